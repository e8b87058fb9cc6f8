import { expect, it } from 'vitest'
import { FanfareProcess, fanfare } from './fanfare-process.ts'

it('help names every command and the flags of opensips', async () => {
  const { status, out, err } = await fanfare(['help'])
  expect({ status, err }).toEqual({ status: 0, err: '' })
  for (const usage of ['run FILE', 'check FILE', 'mi COMMAND', 'tail [EVENT]', 'demo', '-f FILE'])
    expect(out).toContain(`  fanfare ${usage}`)
  expect((await fanfare([])).out).toBe(out)
  expect((await fanfare(['--help'])).out).toBe(out)
  expect(await fanfare(['-h'])).toMatchObject({ status: 0, out })
})

it('a command explains itself with --help', async () => {
  expect(await fanfare(['run', '--help'])).toMatchObject({
    status: 0,
    out: expect.stringMatching(/^ {2}fanfare run FILE/),
  })
})

it('version prints name, version and platform on one line', async () => {
  expect(await fanfare(['version'])).toMatchObject({
    status: 0,
    out: expect.stringMatching(/^fanfare \d+\.\d+\.\d+ \(\S+\)\n$/),
  })
  expect(await fanfare(['--version'])).toMatchObject({ status: 0 })
})

it.each([
  [['serve'], /unknown command "serve": expected run, check/],
  [['chekc', 'x.cfg'], /did you mean "check"\?/],
  [['constructor'], /unknown command "constructor"/],
  [['run'], /run needs one configuration file/],
  [['check', 'a', 'b'], /check needs one configuration file/],
  [['run', 'x.cfg', '--port', '1'], /Unknown option '--port'/],
  [['mi'], /which command\?/],
])('%j is misused: exit status 2 and one line that says why', async (argv, complaint) => {
  const { status, out, err } = await fanfare(argv)
  expect({ status, out }).toEqual({ status: 2, out: '' })
  expect(err).toMatch(complaint)
  expect(err).not.toMatch(/^\s+at /m)
})

it('a command whose output nobody reads any more ends quietly', async () => {
  const help = new FanfareProcess(['help'])
  help.stopListening()
  // 0 where it had written everything before.
  expect([0, 141]).toContain((await help.exited).status)
})
