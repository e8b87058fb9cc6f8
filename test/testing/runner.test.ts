import { describe, expect, it } from 'vitest'
import { folderWith, runIn, runText, SCRIPT } from './tests-of.ts'

const PHONES = 'phone alice\nphone bob\n'
const inTest = (steps: string): string => `${PHONES}test "t"\n${steps.replaceAll(/^/gm, '  ')}`

describe('a test that fails says which step, what was expected and what came', () => {
  const rows: [string, string, string][] = [
    [
      'a reply that is another one',
      'alice calls nobody\nalice gets 200',
      'expected  the reply 200 at alice\n        came      404 Not Found (INVITE)',
    ],
    ['a reply that does not come', 'alice gets 200', 'expected  the reply 200 at alice\n        came      nothing'],
    [
      'a reply that was taken before',
      'alice registers\nalice gets 200',
      'came      nothing (1 came before, and a step above has taken it)',
    ],
    [
      'a header that is another one',
      'alice sends OPTIONS\nalice gets 200\n  header CSeq is "9 OPTIONS"',
      'header CSeq is "9 OPTIONS": it is "1 OPTIONS"',
    ],
    [
      'a header that should not be there',
      'alice sends OPTIONS\nalice gets 200\n  no header Call-ID',
      'no header Call-ID: it is "alice-1@127.0.0.1"',
    ],
    [
      'a body',
      'bob registers\nalice calls bob\nbob gets INVITE\n  body matches /m=video/',
      'body matches /m=video/: it is "v=0',
    ],
    [
      'a message too many',
      'bob registers\nalice calls bob\nbob gets nothing',
      'expected  nothing else to reach bob\n        came      INVITE sip:bob@127.0.0.1:5072',
    ],
    [
      'a registration that is refused',
      'alice registers\n  header Contact: *',
      'expected  the reply 200 to REGISTER of alice\n        came      400',
    ],
    ['a call that is not there', 'alice hangs up', 'alice is in no call that was answered'],
    [
      'an event with other parameters',
      'alice sends MESSAGE\nevent E_TOLD user=bob',
      'expected  the event E_TOLD with user=bob\n        came      E_TOLD user=alice',
    ],
    [
      'an event too many',
      'alice sends MESSAGE\nno event',
      'expected  no other event\n        came      E_TOLD user=alice',
    ],
    [
      'a delivery that a filter keeps back',
      'bob sends MESSAGE\nsubscriber udp:127.0.0.1:9000 gets E_TOLD',
      'expected  the event E_TOLD at udp:127.0.0.1:9000\n        came      nothing',
    ],
    ['a line of the log', 'alice sends MESSAGE\nlog has "bob told"', 'expected  a line in the log that has "bob told"'],
    [
      'a line of the log too many',
      'alice sends MESSAGE\nno log has "alice told"',
      'expected  no line in the log that has "alice told"',
    ],
    [
      'a statistic',
      'alice sends OPTIONS\nstatistic rcv_requests is 2',
      'expected  statistic rcv_requests is 2\n        came      1',
    ],
    [
      'a result of management',
      'mi get_statistics rcv_requests\n  result core:rcv_requests is 7',
      'expected  result core:rcv_requests is "7"\n        came      0',
    ],
    ['a refusal of management', 'mi ul_show_contact location nobody@127.0.0.1', 'came      error 404 AOR not found'],
    [
      'a refusal that does not come',
      'mi version\n  error 404',
      'expected  mi version to be refused with 404\n        came      the result {"Server":',
    ],
  ]

  it.each(rows)('%s', async (_what, steps, told) => {
    const { status, out } = await runText(inTest(steps))
    expect(out).toContain(told)
    expect(out).toContain('\n0 passed, 1 failed (')
    expect(status).toBe(1)
  })

  it('with the line of the step, and with what happened until then', async () => {
    const { out } = await runText(inTest('alice registers\nwait 90s\nalice sends MESSAGE\nalice gets 200'))
    expect(out).toContain('  FAIL  t\n        @/proxy.test:7:3: alice gets 200\n')
    expect(out).toMatch(/ 0\.000 {2}alice registers\n +0\.000 +alice → proxy: REGISTER sip:127\.0\.0\.1\n/)
    expect(out).toMatch(/ 90\.000 +event: E_TOLD user=alice\n/)
    expect(out).toMatch(/ 90\.000 +delivery: E_TOLD to udp:127\.0\.0\.1:9000\n/)
    expect(out).toMatch(/ 90\.000 +log: NOTICE:alice told\n/)
    expect(out).toMatch(/ 90\.000 +proxy → alice: 202 Accepted \(MESSAGE\)\n/)
  })
})

describe('what cannot be run is told with its place, and has the status 2', () => {
  const rows: [string, string, string][] = [
    [
      'a phone that is not there',
      'alcie registers',
      '@/proxy.test:4:3: "alcie" is neither a step nor a phone; did you mean "alice"?',
    ],
    ['a verb that is none', 'alice rigns', '@/proxy.test:4:9: expected registers, unregisters, calls, rings,'],
    ['a word too many', 'alice rings twice', '@/proxy.test:4:15: "twice" is one word too many here'],
    [
      'a duration that is none',
      'wait 3x',
      '@/proxy.test:4:8: expected a duration such as 500ms, 2.5s, 10m, 3h or 1d, not "3x"',
    ],
    ['a status that is none', 'bob replies 99', '@/proxy.test:4:15: expected a status from 100 to 699, not "99"'],
    ['a quote that is not closed', 'log has "x', '@/proxy.test:4:11: the closing quote is missing'],
    ['an expression that is none', 'log matches /(/', '@/proxy.test:4:15: Invalid regular expression'],
    ['a line under one that takes none', 'wait 3s\n  header A: b', '@/proxy.test:5:5: nothing can stand under "wait"'],
    [
      'a detail that is none',
      'alice gets 200\n  haeder A is b',
      '@/proxy.test:5:5: expected header, no header, uri, reason or body, not "haeder"',
    ],
    ['within before what is not expected', 'within 3s alice registers', 'within is for what is expected'],
    [
      'an event that the script does not know',
      'event E_TLOD',
      '@/proxy.test:4:3: event E_TLOD\n        the script knows no event E_TLOD; did you mean "E_TOLD"?',
    ],
    [
      'a parameter that the event does not have',
      'alice registers\nevent E_UL_AOR_INSERT aro=x',
      'E_UL_AOR_INSERT has no field "aro"',
    ],
    [
      'a subscriber that no transport leads to',
      'subscriber rabbitmq:a/b gets nothing',
      'no transport has the scheme "rabbitmq"',
    ],
    [
      'a statistic that is not there',
      'statistic rcv_request is 1',
      'there is no statistic rcv_request; did you mean "rcv_requests"?',
    ],
  ]

  it.each(rows)('%s', async (_what, steps, told) => {
    const { status, out } = await runText(inTest(steps))
    expect(out).toContain(told)
    expect(status).toBe(2)
  })

  it('a script with an error, at its line and column', async () => {
    const folder = folderWith({
      'proxy.cfg': SCRIPT.replace('save(', 'svae('),
      'proxy.test': inTest('alice registers'),
    })
    const { status, out } = await runIn(folder, '@/proxy.cfg')
    expect(out).toContain('@/proxy.cfg does not start:\n')
    expect(out).toMatch(/proxy\.cfg:14:34: error: unknown function svae/)
    expect(status).toBe(2)
  })

  it('a configuration without tests, a file that is not there, a title that no test has', async () => {
    const folder = folderWith({ 'other.test': inTest('alice registers') })
    expect(await runIn(folder, '@/proxy.cfg')).toMatchObject({
      status: 2,
      out: expect.stringContaining(
        '@/proxy.cfg: there are no tests beside it: expected @/proxy.test or @/proxy.test.ts',
      ),
    })
    expect(await runIn(folder, '@/none.test')).toMatchObject({
      status: 2,
      out: expect.stringContaining('no such file'),
    })
    expect(await runIn(folder, '@', '--filter', 'zzz')).toMatchObject({
      status: 2,
      out: expect.stringContaining('no test has "zzz" in its title'),
    })
  })

  it('a command line without a file', async () => {
    expect(await runIn('')).toMatchObject({ status: 2, err: expect.stringContaining('test needs a file of tests') })
  })
})

describe('the clock of the test', () => {
  it('ends a call after three hours at once', async () => {
    const dialog = SCRIPT.replace('loadmodule "usrloc.so"', 'loadmodule "usrloc.so"\nloadmodule "dialog.so"').replace(
      'record_route();',
      '{ record_route(); create_dialog("B"); $DLG_timeout = 10800; }',
    )
    const steps =
      'bob registers for 1d\nalice calls bob\nbob answers\nwait 10799s\nno log has BYE\nwithin 2s alice gets BYE\nbob gets BYE'
    const { status, out } = await runIn(
      folderWith({ 'proxy.cfg': dialog, 'proxy.test': inTest(`${steps}\nstatistic active_dialogs is 0`) }),
      '@/proxy.cfg',
    )
    expect(out).toContain('1 passed')
    expect(status).toBe(0)
  })

  it('runs timer routes, and repeats what is not answered', async () => {
    const timed = `${SCRIPT}timer_route[tick, 60] { xlog("tick\\n"); }\n`
    const steps = [
      'wait 3m',
      'log has tick',
      'log has tick',
      'log has tick',
      'no log has tick',
      'bob registers',
      'alice calls bob',
      'wait 2s',
      'bob gets INVITE',
      'bob gets INVITE',
      'bob gets INVITE',
      'bob gets nothing',
    ]
    const { out } = await runIn(
      folderWith({ 'proxy.cfg': timed, 'proxy.test': inTest(steps.join('\n')) }),
      '@/proxy.cfg',
    )
    expect(out).toContain('1 passed')
  })

  it('starts when the test says', async () => {
    const dated = SCRIPT.replace('"Alive"', '"$time(%Y-%m-%d)"')
    const { out } = await runIn(
      folderWith({
        'proxy.cfg': dated,
        'proxy.test': `clock 2031-07-09T12:00:00Z\n${inTest('alice sends OPTIONS\nalice gets 200\n  reason is 2031-07-09')}`,
      }),
      '@/proxy.cfg',
    )
    expect(out).toContain('1 passed')
  })
})

describe('fanfare test', () => {
  const two = `${PHONES}test "one passes"\n  alice registers\ntest "Another fails"\n  alice gets 200\n`

  it('runs the tests whose titles have the text of --filter, in any case', async () => {
    expect(await runText(two, '--filter', 'PASSES')).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^@\/proxy\.test\n {2}ok {4}one passes\n\n1 passed \(/),
    })
  })

  it('writes one JSON object with --json', async () => {
    const { status, out } = await runText(two, '--json')
    expect(JSON.parse(out)).toMatchObject({
      passed: 1,
      failed: 1,
      broken: 0,
      errors: [],
      tests: [
        { file: '@/proxy.test', line: 3, title: 'one passes', outcome: 'passed' },
        {
          file: '@/proxy.test',
          line: 5,
          title: 'Another fails',
          outcome: 'failed',
          failure: {
            line: 6,
            column: 3,
            step: 'alice gets 200',
            expected: 'the reply 200 at alice',
            came: 'nothing',
            trace: expect.arrayContaining([{ atMs: 0, kind: 'step', text: 'phone alice' }]),
          },
        },
      ],
    })
    expect(status).toBe(1)
  })

  it('runs several files, a folder with all below it, and a file once however often it is named', async () => {
    const folder = folderWith({
      'proxy.test': inTest('alice registers'),
      'b.test': `script proxy.cfg\n${inTest('alice registers')}`,
    })
    expect((await runIn(folder, '@', '@/b.test', '@/proxy.cfg')).out).toContain('2 passed')
  })
})
