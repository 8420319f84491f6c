/** The page in a real browser over the demo's ward. Skips where there is no chromium. */
import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { demoAlarm } from './demo/alarms.ts'
import { type Demo, startDemo } from './demo/demo.ts'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
if (!executablePath) process.stdout.write('skipped: the page in a browser (no chromium; on Debian: apt-get install chromium)\n')

/** A shared machine may be slow; a broken page stays broken. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 10_000 })
const quiet = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

describe.skipIf(!executablePath)('the page in a browser', () => {
  let browser: Browser
  let demo: Demo
  const troubles: string[] = []

  beforeAll(async () => {
    demo = await startDemo()
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', ...quiet] })
  })
  afterAll(async () => {
    await browser.close()
    await demo.close()
  })
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close()
    expect(troubles.splice(0)).toEqual([])
  })

  /** A page whose every error, refused style or script, and foreign request is a failure of the test. */
  async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options })
    page.on('pageerror', (error) => troubles.push(error.message))
    page.on('console', (line) => line.type() === 'error' && troubles.push(line.text()))
    page.on('request', (request) => {
      if (!/^(http:\/\/127\.0\.0\.1:|data:)/.test(request.url())) troubles.push(`foreign request ${request.url()}`)
    })
    await page.goto(demo.url + path)
    return page
  }
  const card = (page: Page, subject: string) =>
    page.locator('.card').filter({ has: page.getByRole('heading', { name: subject, exact: true }) })

  it('shows every device with live values, and why a value is missing', async () => {
    const page = await open('/')
    await soon(() => page.locator('.card').count()).toBe(8)
    await soon(() => card(page, 'Bed 1').locator('.value.live .value-number').first().textContent()).toMatch(/^9\d$/)
    expect(await card(page, 'Bed 3').textContent()).toContain('Probe off')
    expect(await card(page, 'Bed 3').locator('.value-number').allTextContents()).toEqual(['––', '––'])
    expect(await card(page, 'pump-2').locator('.state').textContent()).toBe('Offline')
    expect(await card(page, 'Bed 2').textContent()).toContain('High')
  })

  it('shows an absence at once and the value again when the probe is back', async () => {
    const page = await open('/')
    const values = card(page, 'Bed 1').locator('.value')
    await soon(() => values.first().getAttribute('class')).toContain('live')
    demo.absent('oximeter-1', 'probe-off')
    await soon(() => values.first().getAttribute('class')).toContain('absent')
    demo.absent('oximeter-1', undefined)
    await soon(() => values.first().getAttribute('class')).toContain('live')
  })

  it('draws waveforms that move', async () => {
    const page = await open('/#/device/patch-4')
    const ink = () =>
      page.evaluate<number>(`(() => {
        const canvas = document.querySelector('.strip canvas')
        if (!canvas) return 0
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
        let sum = 0
        for (let k = 3; k < data.length; k += 4) sum = (sum * 31 + data[k]) % 1000003
        return sum
      })()`)
    await soon(ink).not.toBe(0)
    const before = await ink()
    await soon(ink).not.toBe(before)
    await soon(() => page.locator('.trend-box canvas').count()).toBe(3)
  })

  it('sounds for who switches it on, and is silent for a stated time', async () => {
    const page = await open('/')
    await page.getByRole('button', { name: 'Sound on' }).click()
    const choice = page.getByRole('combobox', { name: 'Sound of alarms' })
    await choice.selectOption({ label: 'Silent for 10 min' })
    const silent = page.getByRole('button', { name: /^Silent until \d\d:\d\d/ })
    await silent.click()
    await soon(() => choice.isVisible()).toBe(true)
  })

  it('announces a new alarm, counts it in the title, and lets it be acknowledged by keyboard alone', async () => {
    const page = await open('/#/alarms')
    await soon(() => page.title()).toMatch(/^\(3\) Alarms/)
    demo.raise(demoAlarm(Date.now(), { id: 'new', subject: 'Bed 9', text: 'Pulse 131 /min above 130 /min' }))
    await soon(() => page.title()).toMatch(/^\(4\)/)
    expect(await page.locator('[aria-live=assertive]').textContent()).toContain('Bed 9: Pulse 131')
    const row = page.locator('.alarm-row').filter({ hasText: 'Bed 9' })
    await row.getByRole('button', { name: 'Acknowledge' }).focus()
    await page.keyboard.press('Enter')
    await page.locator('dialog input:focus').waitFor()
    await page.keyboard.type('Ada')
    await page.keyboard.press('Tab')
    await page.keyboard.type('seen, moving the probe')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await soon(() => row.textContent()).toContain('Ada: seen, moving the probe')
    expect(await row.getByRole('button').count()).toBe(0)
  })

  it('folds what follows from a cause, shelves with a reason by keyboard alone, and says who did what', async () => {
    const page = await open('/#/alarms', { viewport: { width: 390, height: 800 } })
    const cause = demoAlarm(Date.now(), {
      id: 'link',
      subject: 'Gateway',
      text: 'Gateway ward is down: nothing comes from its 2 devices',
    })
    demo.raise(cause)
    for (const id of ['a', 'b'])
      demo.raise(demoAlarm(Date.now(), { id, subject: `Behind ${id}`, change: 'suppressed', cause: 'link', unannounced: true }))
    const row = page.locator('.alarm-row').filter({ hasText: 'Gateway ward is down' })
    await soon(() => row.textContent()).toContain('2 alarms follow from it')
    expect(await page.locator('.alarm-row').filter({ hasText: 'Behind a' }).count()).toBe(1)
    expect(await row.getByText('Behind a').isVisible()).toBe(false)
    await row.locator('summary').filter({ hasText: 'follow' }).focus()
    await page.keyboard.press('Enter')
    expect(await row.getByText('Behind a').isVisible()).toBe(true)
    await row.locator('summary').filter({ hasText: 'History' }).focus()
    await page.keyboard.press('Enter')
    await soon(() => row.locator('ol').textContent()).toContain('raised')
    await row.getByRole('button', { name: 'Shelve' }).focus()
    await page.keyboard.press('Enter')
    await page.locator('dialog select:focus').waitFor()
    for (const text of ['', 'Ada', 'link is being mended']) {
      await page.keyboard.type(text)
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await soon(() => demo.orders.at(-1)).toMatchObject({ type: 'shelve', by: 'Ada', reason: 'link is being mended' })
    await soon(() => page.locator('dialog').count()).toBe(0)
    const width = await page.evaluate<number>('document.documentElement.scrollWidth')
    expect(width).toBeLessThanOrEqual(390)
    if (process.env.MILLRACE_SCREENSHOTS)
      await page.screenshot({ path: `${process.env.MILLRACE_SCREENSHOTS}/phone.png`, fullPage: true })
    for (const id of ['link', 'a', 'b']) demo.raise({ ...cause, id, change: 'cleared', active: false, acknowledged: true })
  })

  it('shows the ledger with a clear sign', async () => {
    const page = await open('/#/pipeline')
    await soon(() => page.locator('.verdict').textContent()).toContain('closes')
    const numbers = await page.locator('.equation').first().locator('b').allTextContents()
    const [read, ...terms] = numbers.map((text) => Number(text.replace(/\D/g, '')))
    expect(terms.reduce((a, b) => a + b)).toBe(read)
    expect(await page.locator('table.ledger tbody tr').count()).toBe(8)
  })

  it('fits a narrow phone in every view, in both colour schemes', async () => {
    for (const colorScheme of ['dark', 'light'] as const) {
      const page = await open('/', { viewport: { width: 360, height: 740 }, colorScheme })
      for (const hash of ['#/', '#/device/patch-4', '#/device/meter-1', '#/alarms', '#/pipeline']) {
        await page.evaluate(`location.hash = '${hash}'`)
        await page.locator('main h1').waitFor()
        const over = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
        expect(`${hash} overflows by ${Math.max(0, over)}`).toBe(`${hash} overflows by 0`)
      }
      expect(await page.evaluate('document.documentElement.dataset.theme')).toBe(colorScheme)
      await page.close()
    }
  })

  it('says that the link is lost, calls no value live until it is back, and recovers by itself', async () => {
    const page = await open('/')
    await soon(() => page.locator('.value.live').count()).toBeGreaterThan(5)
    const port = Number(new URL(demo.url).port)
    await demo.close()
    await soon(() => page.locator('.banner').textContent()).toContain('Link lost since')
    expect(await page.locator('.value.live').count()).toBe(0)
    expect(await page.locator('.value.stale').count()).toBeGreaterThan(5)
    expect(await page.title()).toContain('link lost')
    demo = await startDemo(port)
    await soon(() => page.locator('.banner').count()).toBe(0)
    await soon(() => page.locator('.value.live').count()).toBeGreaterThan(5)
    expect(troubles.splice(0).filter((line) => !/ERR_(CONNECTION|INCOMPLETE)/.test(line))).toEqual([])
  })
})
