import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { UdpPeer } from '../sip/net/peers.ts'
import { engineRig, makeContext, parsed, request } from './rig.ts'

/** What a script that forwards every request does with each message of RFC 4475: relays it, answers it, or drops it. */
const EXPECTED: Readonly<Record<string, 'relay' | 'drop' | number>> = {
  wsinv: 'relay',
  intmeth: 'relay',
  esc01: 'relay',
  escnull: 'relay',
  esc02: 'relay',
  lwsdisp: 'relay',
  longreq: 'relay',
  dblreq: 'relay',
  semiuri: 'relay',
  transports: 'relay',
  mpart01: 'relay',
  clerr: 400,
  ncl: 400,
  scalar02: 400,
  scalarlg: 'drop',
  quotbal: 400,
  ltgtruri: 400,
  lwsruri: 400,
  baddate: 'relay',
  badvers: 505,
  mismatch01: 400,
  mismatch02: 400,
  bigcode: 'drop',
  badbranch: 'relay',
  unkscm: 416,
  novelsc: 416,
  unksm2: 'relay',
  bext01: 'relay',
  invut: 'relay',
  regaut01: 'relay',
  multi01: 400,
  mcl01: 400,
  bcast: 'drop',
  zeromf: 'relay',
  cparam01: 'relay',
  cparam02: 'relay',
  regescrt: 'relay',
  sdp01: 'relay',
  inv2543: 'relay',
}

describe('RFC 4475 through a proxy that forwards without state', () => {
  it.each(Object.entries(EXPECTED))('%s: %s', async (name, expected) => {
    const uac = await UdpPeer.open()
    const uas = await UdpPeer.open()
    const { engine, socket, log } = await engineRig({
      // Answers come to the test, whatever the Via of the message says.
      makeContext: (kind, message, origin) => Object.assign(makeContext(kind, message, origin), { forceRport: true }),
    })
    engine.routes = {
      ...engine.routes,
      main: m => engine.forward(m, /^sips?:/i.test(m.message.requestUri) ? `127.0.0.1:${uas.port}` : null),
    }
    const bytes = readFileSync(new URL(`../fixtures/rfc4475/${name}.dat`, import.meta.url))
    const origin = {
      proto: 'udp',
      address: '127.0.0.1',
      port: uac.port,
      socket: socket('udp'),
      connectionId: 0,
    } as const
    engine.receive(bytes, origin)
    if (expected === 'relay') {
      const got = parsed(await uas.next())
      const sent = parsed(bytes.toString('latin1'))
      expect(got.vias).toHaveLength(sent.vias.length + 1)
      expect(got.body.equals(sent.body)).toBe(true)
      expect(got.fault).toBeNull()
    } else if (typeof expected === 'number') {
      expect(parsed(await uac.next()).status).toBe(expected)
    } else {
      engine.receive(Buffer.from(request({ method: 'MARKER', uri: 'other:scheme' })), origin)
      expect(parsed(await uac.next()).method).toBe('MARKER')
    }
    expect(log.lines.filter(line => line.startsWith('error'))).toEqual([])
  })
})
