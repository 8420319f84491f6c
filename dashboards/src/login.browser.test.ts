/** Login, roles and the audit trail in a real browser, by keyboard and on a phone. Skips where there is no chromium. */
import { existsSync } from 'node:fs'
import { People } from '@millrace/cloud-processor/people'
import { systemClock } from '@millrace/platform'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from './demo/demo.ts'
import { ward } from './demo/ward.ts'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
if (!executablePath) process.stdout.write('skipped: the login in a browser (no chromium; on Debian: apt-get install chromium)\n')

const soon = <T>(read: () => T) => expect.poll(read, { timeout: 10_000 })
const password = 'correct horse battery'

describe.skipIf(!executablePath)('the login in a browser', () => {
  let browser: Browser
  let demo: Demo
  const people = new People(':memory:', systemClock)

  beforeAll(async () => {
    await people.open(people.firstLink(), { name: 'Ada', password })
    demo = await startDemo(0, systemClock, people)
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', '--disable-gpu'] })
  })
  afterAll(async () => {
    await browser.close()
    await demo.close()
    people.close()
  })

  async function open(path: string, width = 1280): Promise<Page> {
    const page = await (await browser.newContext({ viewport: { width, height: 800 }, colorScheme: 'light' })).newPage()
    await page.goto(demo.url + path)
    return page
  }

  async function logIn(page: Page, name: string): Promise<void> {
    await page.locator('.door input:focus').waitFor()
    await page.keyboard.type(name)
    await page.keyboard.press('Tab')
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await page.locator('.top').waitFor()
  }

  async function shoot(page: Page, name: string): Promise<void> {
    const over = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
    expect(`${name} overflows by ${Math.max(0, over)}`).toBe(`${name} overflows by 0`)
    const folder = process.env.MILLRACE_SCREENSHOTS
    if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
  }

  it('asks for name and password, says when they are wrong, and lets in by keyboard alone', async () => {
    const page = await open('/', 390)
    await page.locator('.door input:focus').waitFor()
    await page.keyboard.type('Ada')
    await page.keyboard.press('Tab')
    await page.keyboard.type('wrong horse')
    await page.keyboard.press('Enter')
    await soon(() => page.locator('[role=alert]').textContent()).toContain('not right')
    await shoot(page, 'login-390')
    await page.reload()
    await logIn(page, 'Ada')
    await soon(() => page.locator('.card').count()).toBe(8)
    await page.goto(`${demo.url}/#/account`)
    await soon(() => page.locator('#audit').count()).toBe(1)
    await shoot(page, 'account-390')
  })

  it('makes an account for a ward, whose link leads to that ward alone and to nothing that it may not do', async () => {
    const page = await open('/#/account')
    await logIn(page, 'Ada')
    await shoot(await open('/'), 'login')
    const form = page.locator('form.fields-in-line')
    await form.getByLabel('Name').fill('Ward 3')
    await form.getByLabel('Sees').fill('ward-a/#')
    await page.keyboard.press('Enter')
    const link = await page.locator('.link-made code').textContent()
    await soon(() => page.locator('section[aria-labelledby=audit] tbody').textContent()).toContain('account.add')
    await shoot(page, 'account')

    const theirs = await open(new URL(link!).pathname + new URL(link!).hash)
    await theirs.getByLabel('A new password').fill(password)
    await shoot(theirs, 'link')
    await theirs.keyboard.press('Enter')
    await soon(() => theirs.locator('.card').count()).toBe(ward.filter(({ node }) => node === 'ward-a').length)
    await shoot(theirs, 'ward')
    await theirs.goto(`${demo.url}/#/alarms`)
    await theirs.locator('main h1').waitFor()
    expect(await theirs.getByRole('button', { name: 'Acknowledge' }).count()).toBe(0)

    await page.locator('tr').filter({ hasText: 'Ward 3' }).getByRole('button', { name: 'End sessions' }).click()
    await theirs.locator('.door').waitFor({ timeout: 3000 })
    await page.reload()
    await soon(() => page.locator('section[aria-labelledby=audit] tbody').textContent()).toContain('account.end-sessions')
  })
})
