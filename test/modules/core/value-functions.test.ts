import { describe, expect, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { scriptCases } from './script-cases.ts'

describe('functions that make values', () => {
  const { proxy } = scriptCases([
    {
      title: 'pv_printf() and avp_printf() assign an expanded text',
      script: 'pv_printf($var(a), "<$rm>"); avp_printf("$avp(b)", "$var(a)!");',
      shows: '$var(a) $avp(b)',
      expected: '<OPTIONS> <OPTIONS>!',
    },
    {
      title: 'construct_uri() puts a URI together and leaves empty parts out',
      script:
        'construct_uri("sip", "bob", "a.org", "5070", "transport=tcp;lr", $avp(full)); ' +
        'construct_uri("sips", "", "a.org", "", "", $avp(short)); ' +
        'construct_uri("sip", "bob", "", "", "", $avp(none)); $var(rc) = $rc;',
      shows: '$avp(full) $avp(short) $var(rc) $avp(none)',
      expected: 'sip:bob@a.org:5070;transport=tcp;lr sips:a.org -1 <null>',
    },
    {
      title: 'sr_check_status() tells whether a part is ready',
      script: 'sr_check_status("core"); $var(a) = $rc; sr_check_status("nothing"); $var(b) = $rc;',
      shows: '$var(a) $var(b)',
      expected: '1 -1',
    },
    {
      title: 'avp_print() logs every AVP',
      script: '$log_level = 3; $avp(one) = 1; $avp(one) = 2; avp_print(); $var(rc) = $rc; $log_level = NULL;',
      shows: '$var(rc)',
      expected: '1',
    },
    {
      title: 'script_trace() logs each statement until it is called without arguments',
      script:
        '$var(x) = 1; script_trace(1, "$rm x=$var(x) n=$var(none)", "me"); $var(x) = 2; if ($var(x) == 2) { setflag("T"); } ' +
        'script_trace(); $var(x) = 3;',
      shows: '$var(x)',
      expected: '3',
    },
  ])

  it('the lines of avp_print() and script_trace() say what and where', () => {
    const log = proxy().log.join('')
    expect(log).toMatch(/AVP.* name=one values="2, 1"/)
    const traced = proxy().log.filter(line => line.includes('[me]'))
    expect(traced.map(line => line.replace(/^.*?\[line \d+\]/s, '').trimEnd())).toEqual([
      '[me][assign] -> (OPTIONS x=1 n=<null>)',
      '[me][core if] -> (OPTIONS x=2 n=<null>)',
      '[me][module setflag] -> (OPTIONS x=2 n=<null>)',
      '[me][module script_trace] -> (OPTIONS x=2 n=<null>)',
    ])
  })

  it('get_timestamp() reads the clock in seconds and microseconds', async () => {
    const clock = new VirtualClock(1_700_000_000_250)
    const proxy = await startProxy(
      'loadmodule "sl.so"\nloadmodule "sipmsgops.so"\nroute { get_timestamp($avp(s), $avp(us)); append_to_reply("X-Out: $avp(s) $avp(us)"); sl_send_reply(200, "OK"); }',
      { clock },
    )
    onTestFinished(() => proxy.stop())
    const alice = await SipUa.open('alice')
    alice.request('OPTIONS', proxy.port)
    expect(headerOf(await alice.nextReply(200), 'X-Out')).toBe('1700000000 250000')
  })
})
