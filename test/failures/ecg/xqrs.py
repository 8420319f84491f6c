"""XQRS of wfdb on a signal, for test/failures/ecg.ts: `xqrs.py <file of float32> <rate>` prints sample numbers as JSON."""
import json
import sys

import numpy
from wfdb import processing

signal = numpy.fromfile(sys.argv[1], dtype="<f4").astype(float)
found = processing.XQRS(sig=signal, fs=float(sys.argv[2]))
found.detect(verbose=False)
print(json.dumps([int(one) for one in found.qrs_inds]))
