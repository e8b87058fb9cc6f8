import { describe, expect, it } from 'vitest'
import { target } from '../../../src/script/context.ts'
import { firstLine, headerOf, SipUa } from '../../support/sip-ua.ts'
import { tmRig } from './rig.ts'

async function agents() {
  return { alice: await SipUa.open('alice'), bob: await SipUa.open('bob'), carol: await SipUa.open('carol') }
}

describe('failure_route', () => {
  it('forks to the next target, and the best reply is that of the last group (scenario 22)', async () => {
    const { alice, bob, carol } = await agents()
    const rig = await tmRig({
      params: { fr_inv_timeout: 5 },
      main: (m, run) => {
        m.target = target(bob.uri)
        run(m, 't_on_failure', 's')
        return run(m, 't_relay')
      },
      routes: {
        'failure s': (m, run) => {
          m.target = target(carol.uri)
          run(m, 't_relay')
        },
      },
    })
    const invite = alice.request('INVITE', rig.port)
    const first = await bob.nextRequest('INVITE')
    bob.reply(first, 180, 'Ringing')
    await alice.nextReply(180)
    await rig.clock.advance(5000)
    await bob.nextRequest('CANCEL')
    const second = await carol.nextRequest('INVITE')
    bob.reply(first, 487, 'Request Terminated')
    carol.reply(second, 486, 'Busy Here')
    const reply = await alice.nextReply(486)
    alice.ack(invite, reply, rig.port)
    await rig.clock.advance(60_000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })

  it('sees the original request, the chosen reply and the AVPs of the transaction', async () => {
    const { alice, bob } = await agents()
    const seen: unknown[] = []
    const rig = await tmRig({
      main: (m, run) => {
        m.avps.push('x', 'kept')
        m.target = target(bob.uri)
        run(m, 't_on_failure', 'f')
        return run(m, 't_relay')
      },
      routes: {
        'failure f': (m, run) => {
          seen.push(m.kind, m.message.method, m.target.uri, m.reply?.message.status, m.avps.get('x'))
          seen.push(rig.pvar(m, 'T_reply_code'), rig.pvar(m, 'T_branch_idx'), run(m, 't_check_status', /^48/))
          seen.push(run(m, 't_local_replied', 'branch'), run(m, 't_local_replied', 'all'))
        },
      },
    })
    alice.request('INVITE', rig.port)
    bob.reply(await bob.nextRequest('INVITE'), 480, 'Gone')
    await alice.nextReply(480)
    expect(seen).toEqual(['failure', 'INVITE', bob.uri, 480, 'kept', 480, 0, 1, -1, -1])
  })

  it('runs for a timeout, without a reply', async () => {
    const { alice, bob } = await agents()
    const seen: unknown[] = []
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        run(m, 't_on_failure', 'f')
        return run(m, 't_relay')
      },
      routes: {
        'failure f': (m, run) => void seen.push(m.reply, rig.pvar(m, 'T_reply_code'), run(m, 't_local_replied', 'all')),
      },
    })
    alice.request('INVITE', rig.port)
    await bob.nextRequest('INVITE')
    await rig.clock.advance(30_000)
    await alice.nextReply(408)
    expect(seen).toEqual([null, 408, 1])
  })

  it('may answer by itself', async () => {
    const { alice, bob } = await agents()
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        run(m, 't_on_failure', 'f')
        return run(m, 't_relay')
      },
      routes: { 'failure f': (m, run) => run(m, 't_reply', 600, 'Enough') },
    })
    alice.request('INVITE', rig.port)
    bob.reply(await bob.nextRequest('INVITE'), 480, 'Gone')
    expect(firstLine(await alice.nextReply(600))).toBe('SIP/2.0 600 Enough')
    expect(alice.count({ status: 480 })).toBe(0)
  })

  it('must be armed again to run again', async () => {
    const { alice, bob } = await agents()
    let runs = 0
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        run(m, 't_on_failure', 'f')
        return run(m, 't_relay')
      },
      routes: {
        'failure f': (m, run) => {
          runs++
          if (runs === 1) run(m, 't_on_failure', 'f')
          run(m, 't_relay')
        },
      },
    })
    alice.request('INVITE', rig.port)
    for (let i = 0; i < 3; i++) bob.reply(await bob.nextRequest('INVITE'), 480, 'Gone')
    await alice.nextReply(480)
    expect(runs).toBe(2)
  })

  it('that waits holds the final reply back', async () => {
    const { alice, bob, carol } = await agents()
    let goOn: () => void = () => {}
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        run(m, 't_on_failure', 'f')
        return run(m, 't_relay')
      },
      routes: {
        'failure f': async (m, run) => {
          await new Promise<void>(resolve => {
            goOn = resolve
          })
          m.target = target(carol.uri)
          return run(m, 't_relay')
        },
      },
    })
    alice.request('INVITE', rig.port)
    bob.reply(await bob.nextRequest('INVITE'), 480, 'Gone')
    await bob.nextRequest('ACK')
    expect(alice.count({ status: 480 })).toBe(0)
    goOn()
    carol.reply(await carol.nextRequest('INVITE'), 200, 'OK')
    await alice.nextReply(200)
  })
})

describe('onreply_route', () => {
  it('runs for each reply, that of the branch first, with the request at hand', async () => {
    const { alice, bob } = await agents()
    const seen: unknown[] = []
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        run(m, 't_on_branch', 'b')
        run(m, 't_on_reply', 'all')
        return run(m, 't_relay')
      },
      routes: {
        'branch b': (m, run) => void run(m, 't_on_reply', 'one'),
        'onreply one': m => void seen.push(`one ${m.message.status}`),
        'onreply all': m => void seen.push(`all ${m.message.status} ${m.request?.message.method}`),
      },
    })
    alice.request('INVITE', rig.port)
    const sent = await bob.nextRequest('INVITE')
    bob.reply(sent, 100, 'Trying')
    bob.reply(sent, 180, 'Ringing')
    bob.reply(sent, 486, 'Busy Here')
    bob.reply(sent, 486, 'Busy Here')
    await alice.nextReply(486)
    await bob.nextRequest('ACK')
    await bob.nextRequest('ACK')
    expect(seen).toEqual([
      'one 100',
      'all 100 INVITE',
      'one 180',
      'all 180 INVITE',
      'one 486',
      'all 486 INVITE',
      'one 486',
      'all 486 INVITE',
    ])
  })

  it('may drop provisional replies and change others', async () => {
    const { alice, bob } = await agents()
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        run(m, 't_on_reply', 'r')
        return run(m, 't_relay')
      },
      routes: {
        'onreply r': m => {
          m.dropped = true
          m.edits.insert(m.message.headersEnd, 'X-Seen: yes\r\n')
        },
      },
    })
    alice.request('INVITE', rig.port)
    const sent = await bob.nextRequest('INVITE')
    bob.reply(sent, 180, 'Ringing')
    bob.reply(sent, 200, 'OK')
    expect(headerOf(await alice.nextReply(200), 'X-Seen')).toBe('yes')
    expect(alice.count({ status: 180 })).toBe(0)
  })

  it('has AVPs of its own, or with onreply_avp_mode those of the transaction', async () => {
    const { alice, bob } = await agents()
    for (const [mode, expected] of [
      [0, null],
      [1, 'kept'],
    ] as const) {
      const seen: unknown[] = []
      const rig = await tmRig({
        params: { onreply_avp_mode: mode },
        main: (m, run) => {
          m.avps.push('x', 'kept')
          m.target = target(bob.uri)
          run(m, 't_on_reply', 'r')
          return run(m, 't_relay')
        },
        routes: { 'onreply r': m => void seen.push(m.avps.get('x')) },
      })
      alice.request('OPTIONS', rig.port)
      bob.reply(await bob.nextRequest('OPTIONS'), 200, 'OK')
      await alice.nextReply(200)
      expect(seen).toEqual([expected])
    }
  })

  it('that waits keeps the order of replies', async () => {
    const { alice, bob } = await agents()
    let goOn: () => void = () => {}
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        run(m, 't_on_reply', 'r')
        return run(m, 't_relay')
      },
      routes: {
        'onreply r': async m => {
          if (m.message.status !== 180) return 1
          await new Promise<void>(resolve => {
            goOn = resolve
          })
          return 1
        },
      },
    })
    alice.request('INVITE', rig.port)
    const sent = await bob.nextRequest('INVITE')
    bob.reply(sent, 180, 'Ringing')
    bob.reply(sent, 486, 'Busy Here')
    await bob.nextRequest('ACK')
    expect(alice.received.map(m => m.status)).toEqual([100])
    goOn()
    await alice.nextReply(486)
    expect(alice.received.map(m => m.status)).toEqual([100, 180, 486])
  })
})

describe('branch_route', () => {
  it('changes one branch only, and may drop it', async () => {
    const { alice, bob, carol } = await agents()
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        m.branches = [target(carol.uri), target('sip:nobody@127.0.0.1:9')]
        run(m, 't_on_branch', 'b')
        return run(m, 't_relay')
      },
      routes: {
        'branch b': m => {
          const index = rig.pvar(m, 'T_branch_idx')
          m.edits.insert(m.message.headersEnd, `X-Branch: ${index}\r\n`)
          rig.setPvar(m, 'bavp', `value ${index}`, 'v')
          m.dropped = index === 2
        },
      },
    })
    alice.request('OPTIONS', rig.port)
    const first = await bob.nextRequest('OPTIONS')
    const second = await carol.nextRequest('OPTIONS')
    expect([headerOf(first, 'X-Branch'), headerOf(second, 'X-Branch')]).toEqual(['0', '1'])
    expect(first.topVia?.branch).not.toBe(second.topVia?.branch)
    bob.reply(first, 404, 'Not Found')
    carol.reply(second, 404, 'Not Found')
    await alice.nextReply(404)
  })
})

describe('t_relay', () => {
  it.each([
    ['an unresolvable host', 'sip:bob@nowhere.invalid', 476],
    ['a scheme nobody knows (RFC 3261 §16.3)', 'soap.beep://192.0.2.1:3002', 416],
    ['a port that cannot be', 'sip:bob@127.0.0.1:70000', 476],
  ])('answers %s by itself', async (_what, uri, status) => {
    const { alice } = await agents()
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(uri)
        return run(m, 't_relay')
      },
    })
    alice.request('OPTIONS', rig.port)
    await alice.nextReply(status)
    await rig.clock.advance(5000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })

  it('with no-auto-477 leaves the answer to the script', async () => {
    const { alice } = await agents()
    const rig = await tmRig({
      main: async (m, run) => {
        m.target = target('sip:bob@nowhere.invalid')
        m.rc = await run(m, 't_relay', 'no-auto-477')
        return m.rc < 0 ? run(m, 'sl_reply_error') : 1
      },
    })
    alice.request('OPTIONS', rig.port)
    expect(firstLine(await alice.nextReply(476))).toBe('SIP/2.0 476 Unresolvable destination (476/SL)')
  })

  it.each([
    ['destination only, as in 2.x', (port: number) => [`udp:127.0.0.1:${port}`]],
    ['flags and destination', (port: number) => ['no-dns-failover', `127.0.0.1:${port}`]],
    ['destination and flags, as in 2.x', (port: number) => [`127.0.0.1:${port}`, '0x04']],
  ])('takes %s', async (_what, args) => {
    const { alice, bob } = await agents()
    const rig = await tmRig({ main: (m, run) => run(m, 't_relay', ...args(bob.port)) })
    alice.request('OPTIONS', rig.port, { uri: 'sip:bob@nowhere.invalid' })
    expect((await bob.nextRequest('OPTIONS')).requestUri).toBe('sip:bob@nowhere.invalid')
  })

  it('refuses at load what is neither flag nor destination', async () => {
    const rig = await tmRig({ main: (m, run) => run(m, 't_relay', 'no-such-flag') })
    const alice = await SipUa.open('alice')
    alice.request('OPTIONS', rig.port)
    await expect.poll(() => rig.log.lines.some(line => line.includes('neither a flag nor a destination'))).toBe(true)
  })

  it('gives a number, not a promise, when the host is numeric', async () => {
    const { alice, bob } = await agents()
    const verdicts: unknown[] = []
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        verdicts.push(run(m, 't_relay'))
      },
    })
    alice.request('OPTIONS', rig.port)
    await bob.nextRequest('OPTIONS')
    expect(verdicts).toEqual([1])
  })

  it('sends at most 256 branches', async () => {
    const { alice, bob } = await agents()
    const rig = await tmRig({
      main: (m, run) => {
        m.target = target(bob.uri)
        m.branches = Array.from({ length: 299 }, () => target(bob.uri))
        return run(m, 't_relay')
      },
    })
    alice.request('OPTIONS', rig.port)
    await expect.poll(() => bob.count({ method: 'OPTIONS' })).toBe(256)
  })

  it('adds the headers of t_add_hdrs, and t_replicate sends a copy nobody waits for', async () => {
    const { alice, bob, carol } = await agents()
    const rig = await tmRig({
      main: (m, run) => {
        run(m, 't_newtran')
        run(m, 't_add_hdrs', 'X-Added: 1\r\n')
        run(m, 't_replicate', carol.uri)
        m.target = target(bob.uri)
        return run(m, 't_relay')
      },
    })
    alice.request('OPTIONS', rig.port)
    const copy = await carol.nextRequest('OPTIONS')
    expect(copy.requestUri).toBe(carol.uri)
    carol.reply(copy, 500, 'Broken')
    const sent = await bob.nextRequest('OPTIONS')
    expect(headerOf(sent, 'X-Added')).toBe('1')
    bob.reply(sent, 200, 'OK')
    await alice.nextReply(200)
    expect(alice.count({ status: 500 })).toBe(0)
  })
})
