"""Independent readers of the same bytes, for test/failures/devices.ts: an order a line in, an answer a line out, JSON."""
import asyncio
import json
import os
import sys
import threading
import tty


def nmea(text):
    import pynmea2

    found = {}
    for line in text.split("\r\n"):
        if not line.startswith("$"):
            continue
        m = pynmea2.parse(line, check=True)
        if m.sentence_type == "GGA":
            found |= {"latitude": m.latitude, "longitude": m.longitude, "fix": m.gps_qual, "satellites": int(m.num_sats)}
            found |= {"hdop": float(m.horizontal_dil), "altitude": float(m.altitude)}
        if m.sentence_type == "RMC":
            found |= {"speed": float(m.spd_over_grnd), "course": float(m.true_course)}
    return found


P1 = {
    "ELECTRICITY_USED_TARIFF_1": "energy_import_1",
    "ELECTRICITY_USED_TARIFF_2": "energy_import_2",
    "ELECTRICITY_DELIVERED_TARIFF_1": "energy_export_1",
    "ELECTRICITY_DELIVERED_TARIFF_2": "energy_export_2",
    "CURRENT_ELECTRICITY_USAGE": "power_import",
    "CURRENT_ELECTRICITY_DELIVERY": "power_export",
    "INSTANTANEOUS_VOLTAGE_L1": "voltage_l1",
    "INSTANTANEOUS_CURRENT_L3": "current_l3",
}


def dsmr(text):
    from dsmr_parser import telegram_specifications
    from dsmr_parser.parsers import TelegramParser

    telegram = TelegramParser(telegram_specifications.V5).parse(text)
    return {ours: float(getattr(telegram, theirs).value) for theirs, ours in P1.items() if hasattr(telegram, theirs)}


def modbus(words):
    """Serves the words as input registers of unit 1 on a pseudo-terminal; from here on lines are hex, of its other end."""
    from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
    from pymodbus.server import StartAsyncSerialServer

    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    device = ModbusDeviceContext(ir=ModbusSequentialDataBlock(1, words))
    context = ModbusServerContext(devices={1: device}, single=False)
    serve = StartAsyncSerialServer(context=context, port=os.ttyname(slave), baudrate=9600)
    threading.Thread(target=lambda: asyncio.run(serve), daemon=True).start()

    def bring():
        while True:
            print(os.read(master, 512).hex(), flush=True)

    threading.Thread(target=bring, daemon=True).start()
    for line in sys.stdin:
        os.write(master, bytes.fromhex(line.strip()))


for line in sys.stdin:
    order = json.loads(line)
    if "words" in order:
        modbus(order["words"])
    else:
        print(json.dumps({"nmea": nmea, "dsmr": dsmr}[order["of"]](order["text"])), flush=True)
