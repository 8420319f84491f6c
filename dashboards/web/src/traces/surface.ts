/** A canvas in device pixels that knows its size and its colours. */
export interface Surface {
  canvas: HTMLCanvasElement
  context: CanvasRenderingContext2D
  width: number
  height: number
  ratio: number
  /** Rises with every change of size: everything must be drawn again. */
  revision: number
  close(): void
}

export function openSurface(canvas: HTMLCanvasElement): Surface {
  const surface: Surface = {
    canvas,
    context: canvas.getContext('2d')!,
    width: 0,
    height: 0,
    ratio: 1,
    revision: 0,
    close: () => observer.disconnect(),
  }
  const resize = () => {
    surface.ratio = Math.min(2, devicePixelRatio || 1)
    const width = Math.round(canvas.clientWidth * surface.ratio)
    const height = Math.round(canvas.clientHeight * surface.ratio)
    if (width === surface.width && height === surface.height) return
    surface.width = canvas.width = width
    surface.height = canvas.height = height
    surface.revision++
  }
  const observer = new ResizeObserver(resize)
  observer.observe(canvas)
  resize()
  return surface
}

/** Thin diagonal lines: `no data`, told apart from any value by shape and not by colour alone. */
export function hatchPattern(context: CanvasRenderingContext2D, colour: string, ratio: number): CanvasPattern {
  const size = Math.round(7 * ratio)
  const tile = document.createElement('canvas')
  tile.width = tile.height = size
  const pen = tile.getContext('2d')!
  pen.strokeStyle = colour
  pen.lineWidth = ratio
  pen.beginPath()
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size)
    pen.lineTo(shift + size, 0)
  }
  pen.stroke()
  return context.createPattern(tile, 'repeat')!
}
