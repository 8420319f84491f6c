/** One animation loop for every trace on the page. Only what is on screen draws; a hidden tab draws nothing. */
export interface Painter {
  paint(localMs: number): void
}

const painters = new Map<Element, Painter>()
const visible = new Set<Painter>()
let running = false

const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const painter = painters.get(target)
    if (!painter) continue
    if (isIntersecting) visible.add(painter)
    else visible.delete(painter)
  }
  if (visible.size > 0 && !running) {
    running = true
    requestAnimationFrame(frame)
  }
})

function frame(localMs: number): void {
  for (const painter of visible) painter.paint(localMs)
  running = visible.size > 0
  if (running) requestAnimationFrame(frame)
}

/** Paints while `element` is on screen; returns the end of it. */
export function animate(element: Element, painter: Painter): () => void {
  painters.set(element, painter)
  observer.observe(element)
  return () => {
    observer.unobserve(element)
    painters.delete(element)
    visible.delete(painter)
  }
}
