import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { headerOf } from '../../support/sip-ua.ts'
import { farm, gateways } from './rig.ts'

/** Answers every request with what the script found out. */
const show = (call: string, ...shown: string[]): string =>
  `route { if (${call}) { $var(r) = 1; } else { $var(r) = -1; } ` +
  `append_to_reply("X-Result: $var(r)|${shown.join('|')}\\r\\n"); send_reply(200, "OK"); exit; }`

interface Asker {
  readonly phone: {
    request(method: string, port: number, options?: object): SipMessage
    nextReply(status: number): Promise<SipMessage>
  }
  readonly port: number
}
/** What the script of {@link show} found. */
async function ask({ phone, port }: Asker, options: object = {}): Promise<string> {
  phone.request('OPTIONS', port, options)
  return headerOf(await phone.nextReply(200), 'X-Result')
}

const URIS = ['sip:10.0.0.1', 'sip:10.0.0.2', 'sip:10.0.0.3', 'sip:10.0.0.4']
const rows = URIS.map((uri, i) => ({ uri, attrs: `attr${i + 1}` }))

describe('ds_select_dst', () => {
  it('without flags sets the next hop only', async () => {
    const proxy = await farm({ rows, routes: show('ds_select_dst(1, 8)', '$du', '$ru', '$avp(ds_dst_failover)') })
    expect(await ask(proxy, { uri: 'sip:bob@here' })).toBe('1|sip:10.0.0.1|sip:bob@here|<null>')
  })

  it('with f keeps the others that are in service, in ring order, with set, count and attributes', async () => {
    const proxy = await farm({
      rows: rows.map((row, i) => ({ ...row, state: i === 2 ? 2 : 0 })),
      params: { attrs_avp: '$avp(attrs)' },
      routes: show(
        'ds_select_dst(1, 4, "f")',
        '$(avp(ds_dst_failover)[*])',
        '$avp(ds_grp_failover)',
        '$avp(ds_cnt_failover)',
        '$(avp(attrs)[*])',
      ),
    })
    expect(await ask(proxy)).toBe('1|sip:10.0.0.1, sip:10.0.0.2, sip:10.0.0.4|1|3|attr1, attr2, attr4')
    expect(await ask(proxy)).toBe('1|sip:10.0.0.2, sip:10.0.0.4, sip:10.0.0.1|1|3|attr2, attr4, attr1')
    expect(await ask(proxy)).toBe('1|sip:10.0.0.4, sip:10.0.0.1, sip:10.0.0.2|1|3|attr4, attr1, attr2')
  })

  it.each([
    ['ds_select_dst(1, 8, "f", , 1)', 'sip:10.0.0.1, sip:10.0.0.2'],
    ['ds_select_dst(1, 8, "f2")', 'sip:10.0.0.1, sip:10.0.0.2, sip:10.0.0.3'],
    ['ds_select_dst("1:0", "8", "f")', 'sip:10.0.0.1'],
    ['ds_select_dst("1", "8", "f", "1")', 'sip:10.0.0.1, sip:10.0.0.2'],
    ['ds_select_dst(1, 4, "fd")', 'sip:10.0.0.1, sip:10.0.0.2, sip:10.0.0.3, sip:10.0.0.4'],
    ['ds_select_dst("1:1,2:1", "8", "f")', 'sip:10.0.0.1, sip:10.0.0.2, sip:10.1.0.1, sip:10.1.0.2'],
    ['ds_select_dst("7,2:0", "8", "f")', 'sip:10.1.0.1'],
    ['ds_select_dst(2, 8, "f") && ds_select_dst(1, 8, "fa", , 0)', 'sip:10.1.0.1, sip:10.1.0.2, sip:10.0.0.1'],
    ['ds_select_dst(2, 8, "f") && ds_select_dst(1, 8, "f", , 0)', 'sip:10.0.0.1'],
  ])('%s keeps %s', async (call, kept) => {
    const more = ['sip:10.1.0.1', 'sip:10.1.0.2'].map(uri => ({ set: 2, uri }))
    const proxy = await farm({ rows: [...rows, ...more], routes: show(call, '$(avp(ds_dst_failover)[*])') })
    expect(await ask(proxy)).toBe(`1|${kept}`)
  })

  it('with a goes on with the destination in use', async () => {
    const proxy = await farm({
      rows: [...rows, { set: 2, uri: 'sip:10.1.0.1' }],
      routes: show('ds_select_dst(2, 8, "f") && ds_select_dst(1, 8, "fa")', '$du', '$avp(ds_cnt_failover)'),
    })
    expect(await ask(proxy)).toBe('1|sip:10.1.0.1|5')
  })

  it.each([
    ['1', [0, 0, 0, 0], 'sip:10.0.0.1'],
    ['1', [1, 2, 0, 0], 'sip:10.0.0.3'],
    ['1', [1, 2, 1, 0], 'sip:10.0.0.4'],
    ['-1', [1, 2, 1, 2], '<null>'],
  ])('with d the last one is for when nothing else is left: %s', async (verdict, states, uri) => {
    const proxy = await farm({
      rows: rows.map((row, i) => ({ ...row, state: states[i] ?? 0 })),
      routes: show('ds_select_dst(1, 8, "d")', '$du'),
    })
    expect(await ask(proxy)).toBe(`${verdict}|${uri}`)
  })

  it.each([
    'ds_select_dst(9, 4)',
    'ds_select_dst("$var(none)", 4)',
    'ds_select_dst($var(none), 4)',
    'ds_select_dst(3, 4)',
  ])('%s is false', async call => {
    const proxy = await farm({ rows: [...rows, { set: 3, uri: 'sip:10.9.0.1', state: 1 }], routes: show(call, '$du') })
    expect(await ask(proxy)).toBe('-1|<null>')
  })

  it('takes set, algorithm and flags from variables', async () => {
    const proxy = await farm({
      rows,
      routes: `route { $var(s) = 1; $var(a) = "8"; $var(f) = "f"; route(x); }
        route[x] { if (ds_select_dst($var(s), $var(a), $var(f))) append_to_reply("X-Result: $avp(ds_cnt_failover)\\r\\n");
          send_reply(200, "OK"); exit; }`,
    })
    expect(await ask(proxy)).toBe('4')
  })

  it.each([
    ['ds_select_dst("x", 4)', 'expected the number of a set, got "x"'],
    ['ds_select_dst(1, "x")', 'expected the number of an algorithm, got "x"'],
    ['ds_select_dst(1, 4, "z")', 'unknown flag "z"'],
    ['ds_select_dst(1, 4, "f", "nowhere")', 'there is no partition "nowhere"'],
    ['ds_select_dst(1, 7)', 'needs the parameter hash_pvar'],
    ['ds_mark_dst("x")', 'expected i, p or a'],
    ['ds_next_dst("nowhere")', 'there is no partition "nowhere"'],
    ['ds_count(1, "x", $var(n))', 'expected letters out of a, i and p'],
  ])('%s is refused at load', async (call, message) => {
    await expect(farm({ rows, routes: `route { ${call}; }` })).rejects.toThrow(message)
  })
})

describe('algorithms that read the message', () => {
  /** Which destination each of these requests gets: the same for the same, not all the same. */
  const proves = async (algorithm: number, vary: (n: number) => object, params = {}, flags = '') => {
    const proxy = await farm({ rows, params, routes: show(`ds_select_dst(1, ${algorithm}, "${flags}")`, '$du') })
    const chosen: string[] = []
    for (let n = 0; n < 12; n++) chosen.push(await ask(proxy, vary(n % 6)))
    expect(chosen.slice(6)).toEqual(chosen.slice(0, 6))
    return new Set(chosen).size
  }

  it('0 hashes the Call-ID', async () => {
    expect(await proves(0, n => ({ callId: `call-${n}` }))).toBeGreaterThan(1)
  })
  it('2 hashes the To URI, with u only its user', async () => {
    expect(await proves(2, n => ({ to: `sip:bob@host${n}` }))).toBeGreaterThan(1)
    expect(await proves(2, n => ({ to: `sip:bob@host${n}` }), {}, 'u')).toBe(1)
    expect(await proves(2, n => ({ to: `sip:bob@host${n}` }), { flags: 1 })).toBe(1)
  })
  it('3 hashes the Request-URI, a usual port being none', async () => {
    expect(await proves(3, n => ({ uri: `sip:${n}@here` }))).toBeGreaterThan(1)
    expect(await proves(3, n => ({ uri: `sip:bob@here${n % 2 === 0 ? ':5060' : ''}` }))).toBe(1)
  })
  it('5 hashes the name of the credentials', async () => {
    const headers = (n: number) => `Proxy-Authorization: Digest username="user${n}", realm="r"\r\n`
    expect(await proves(5, n => ({ headers: headers(n) }))).toBeGreaterThan(1)
  })
  it('5 takes turns without credentials', async () => {
    const proxy = await farm({
      rows: rows.map(row => ({ ...row, weight: '9' })),
      routes: show('ds_select_dst(1, 5)', '$du'),
    })
    const chosen = [await ask(proxy), await ask(proxy), await ask(proxy)]
    expect(chosen).toEqual(['1|sip:10.0.0.1', '1|sip:10.0.0.2', '1|sip:10.0.0.3'])
  })
  it('7 hashes what hash_pvar says', async () => {
    expect(await proves(7, n => ({ headers: `X-Key: ${n}\r\n` }), { hash_pvar: '$hdr(X-Key)' })).toBeGreaterThan(1)
    expect(await proves(7, n => ({ callId: `c${n}` }), { hash_pvar: '$fU' })).toBe(1)
  })

  it('9 takes the one with the least load first', async () => {
    const proxy = await farm({
      rows,
      params: { pvar_algo_pattern: '$avp(load_%u)' },
      routes: `route { $avp(load_sip:10.0.0.1) = 30; $avp(load_sip:10.0.0.3) = 4; $avp(load_sip:10.0.0.4) = "12"; route(x); }
        ${show('ds_select_dst(1, 9, "f")', '$(avp(ds_dst_failover)[*])').replace('route {', 'route[x] {')}`,
    })
    expect(await ask(proxy)).toBe('1|sip:10.0.0.3, sip:10.0.0.4, sip:10.0.0.1, sip:10.0.0.2')
  })

  it('10 asks a route, leaves out what gets a negative rank, and then goes on with the script', async () => {
    const proxy = await farm({
      rows,
      params: { algo_route: 'rank' },
      routes: `${show('ds_select_dst(1, 10, "f")', '$(avp(ds_dst_failover)[*])')}
        route[rank] {
          if ($param(1) == "sip:10.0.0.2") return(-1);
          if ($param(2) == "attr3") return(1);
          return(7);
        }`,
    })
    expect(await ask(proxy)).toBe('1|sip:10.0.0.3, sip:10.0.0.1, sip:10.0.0.4')
  })
})

describe('ds_select_domain', () => {
  it('changes host and port of the Request-URI; ds_next_domain goes on', async () => {
    const proxy = await farm({
      rows: [{ uri: 'sip:10.0.0.1:5070' }, { uri: 'sip:10.0.0.2' }],
      routes: `route { ds_select_domain(1, 8, "f"); append_to_reply("X-One: $ru $du\\r\\n");
        if (ds_next_domain()) append_to_reply("X-Two: $ru\\r\\n");
        if (!ds_next_domain()) append_to_reply("X-Three: $ru\\r\\n");
        send_reply(200, "OK"); exit; }`,
    })
    proxy.phone.request('OPTIONS', proxy.port, { uri: 'sip:bob@here:5099;user=phone' })
    const reply = await proxy.phone.nextReply(200)
    expect(['X-One', 'X-Two', 'X-Three'].map(name => headerOf(reply, name))).toEqual([
      'sip:bob@10.0.0.1:5070;user=phone <null>',
      'sip:bob@10.0.0.2;user=phone',
      'sip:bob@10.0.0.2;user=phone',
    ])
  })
})

describe('a call', () => {
  it('goes through the gateways until one takes it; marked ones are out of service at the threshold', async () => {
    const [g1, g2, g3] = await gateways('g1', 'g2', 'g3')
    const proxy = await farm({
      rows: [g1, g2, g3].map(gateway => ({ uri: gateway?.address ?? '' })),
      params: { ds_probing_threshold: 2 },
      routes: `
        route { if (!ds_select_dst(1, 8, "f")) { send_reply(503, "None"); exit; } t_on_failure("next"); t_relay(); }
        failure_route[next] { ds_mark_dst("p"); if (ds_next_dst()) { t_on_failure("next"); t_relay(); } }`,
    })
    for (let call = 1; call <= 2; call++) {
      proxy.phone.request('INVITE', proxy.port)
      g1?.reply(await g1.nextRequest('INVITE'), 500, 'Broken')
      g2?.reply(await g2.nextRequest('INVITE'), 480, 'Gone')
      g3?.reply(await g3.nextRequest('INVITE'), 200, 'OK')
      await proxy.phone.nextReply(200)
      expect(proxy.raised().map(event => JSON.parse(event).params)).toEqual(
        call === 1
          ? []
          : [g1, g2].map(gateway => ({
              group: 1,
              address: gateway?.address,
              status: 'inactive',
              reason: 'script function ds_mark()',
            })),
      )
    }
    proxy.phone.request('INVITE', proxy.port)
    await g3?.nextRequest('INVITE')
    const listed = JSON.stringify(await proxy.mi('ds_list'))
    expect(listed.match(/"state":"\w+","first_hit_counter":\d/g)).toEqual([
      '"state":"Probing","first_hit_counter":2',
      '"state":"Probing","first_hit_counter":0',
      '"state":"Active","first_hit_counter":1',
    ])
  })

  it('ds_mark_dst without a kept destination is false; 2.x wrote the partition in front', async () => {
    const proxy = await farm({
      rows,
      routes: `route {
        if (ds_mark_dst()) append_to_reply("X-Early: yes\\r\\n");
        ds_select_dst("1", "8", "f"); ds_mark_dst("default:i"); append_to_reply("X-Result: $avp(ds_cnt_failover)\\r\\n");
        send_reply(200, "OK"); exit; }`,
    })
    expect(await ask(proxy)).toBe('4')
    expect(proxy.raised()).toHaveLength(1)
  })

  it('is sent from the socket of the destination', async () => {
    const [gateway] = await gateways('gateway')
    const proxy = await farm({
      rows: [{ uri: gateway?.address ?? '', socket: 'udp:127.0.0.9:5060' }],
      routes: 'route { ds_select_dst(1, 8); t_relay(); }',
    })
    expect(proxy.logged('not one of ours')).toBe(1)
    proxy.phone.request('OPTIONS', proxy.port)
    await gateway?.nextRequest('OPTIONS')
  })
})
