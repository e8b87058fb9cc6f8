import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { until } from '../usrloc/storage-rig.ts'

/** Registers over a new connection, and gives whether it is still open some time later. */
async function registeredFor(expires: number, statements: string) {
  const clock = new VirtualClock()
  const proxy = await startProxy(
    ['sl', 'signaling', 'usrloc', 'registrar'].map(name => `loadmodule "${name}.so"\n`).join('') +
      `modparam("registrar", "tcp_persistent_flag", "KEEP")\nroute { ${statements} save("location"); }`,
    { clock },
  )
  onTestFinished(() => proxy.stop())
  const stream = connect({ port: proxy.port, host: '127.0.0.1' })
  onTestFinished(() => void stream.destroy())
  let text = ''
  stream.on('data', bytes => {
    text += bytes.toString()
  })
  const phone = await SipUa.open('bob')
  stream.write(
    phone.makeRequest('REGISTER', { headers: `Expires: ${expires}\r\n` }).replace('SIP/2.0/UDP', 'SIP/2.0/TCP'),
  )
  await until(() => text.includes('SIP/2.0 200'))
  const open = () => proxy.proxy.host.stats.find('tcp_connections')?.read()
  return { clock, open }
}

describe('tcp_persistent_flag', () => {
  it('keeps the connection of a registration ten seconds longer than it', async () => {
    const { clock, open } = await registeredFor(600, 'setflag("KEEP");')
    await clock.advance(609_000)
    expect(open()).toBe(1)
    await clock.advance(2_000)
    expect(open()).toBe(0)
  })

  it('without the flag, and when nothing was registered, it ends with tcp_connection_lifetime', async () => {
    for (const [expires, statements] of [
      [600, ''],
      [0, 'setflag("KEEP");'],
    ] as const) {
      const { clock, open } = await registeredFor(expires, statements)
      await clock.advance(121_000)
      expect(open()).toBe(0)
    }
  })

  it('a registration for ever is no timer that ends at once', async () => {
    const { clock, open } = await registeredFor(4_294_967_295, 'setflag("KEEP");')
    await clock.advance(121_000)
    expect([open(), clock.pending < 50]).toEqual([1, true])
  })
})
