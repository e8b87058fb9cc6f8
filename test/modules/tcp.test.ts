import { expect, it, onTestFinished } from 'vitest'
import { startProxy } from '../support/running-proxy.ts'
import { SipUa } from '../support/sip-ua.ts'

interface Listed {
  readonly Connections: readonly { readonly ID: number; readonly Remote: string; readonly Direction: string }[]
}

it('lists connections and closes one, which raises E_CORE_TCP_DISCONNECT', async () => {
  const proxy = await startProxy(
    'loadmodule "sl.so"\nroute { sl_send_reply(200, "OK"); }\n' +
      'event_route[E_CORE_TCP_DISCONNECT] { xlog("gone $param(src_ip):$param(src_port) $param(dst_ip):$param(dst_port) $param(proto)\\n"); }',
  )
  onTestFinished(() => proxy.stop())
  const { mi } = proxy.proxy.host
  const bob = await SipUa.open('bob', 'tcp')
  bob.request('OPTIONS', proxy.port)
  await bob.nextReply(200)

  const { Connections } = (await mi.call('list_tcp_conns', [])) as Listed
  expect(Connections).toEqual([
    {
      ID: expect.any(Number) as number,
      Type: 'tcp',
      State: 'OK',
      Remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
      Local: `127.0.0.1:${proxy.port}`,
      Direction: 'in',
    },
  ])
  expect(await mi.call('tcp:close', [Connections[0]?.ID])).toBe('OK')
  await expect.poll(() => proxy.log.join('')).toContain(`gone ${Connections[0]?.Remote} 127.0.0.1:${proxy.port} tcp`)
  await expect(mi.call('tcp_close', [Connections[0]?.ID])).rejects.toMatchObject({ code: 404 })
})
