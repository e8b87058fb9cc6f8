import { describe, expect, it, onTestFinished } from 'vitest'
import { checkFile } from '../../src/main.ts'
import { startProxy } from '../support/running-proxy.ts'
import { SipUa } from '../support/sip-ua.ts'

const ROUTE = 'loadmodule "sl.so"\nroute { sl_send_reply(200, "OK"); exit; }'

describe('proto modules', () => {
  it('may be loaded or left out: sockets work with both', async () => {
    for (const loads of ['', 'loadmodule "proto_udp.so"\nloadmodule "proto_tcp.so"\nloadmodule "proto_ws.so"\n']) {
      const proxy = await startProxy(`${loads}${ROUTE}`)
      onTestFinished(() => proxy.stop())
      for (const proto of ['udp', 'tcp'] as const) {
        const ua = await SipUa.open('alice', proto)
        ua.request('OPTIONS', proxy.port)
        await ua.nextReply(200)
      }
    }
  })

  it('with tcp_crlf_pingpong=0 double CRLFs are not answered', async () => {
    const proxy = await startProxy(`loadmodule "proto_tcp.so"\nmodparam("proto_tcp", "tcp_crlf_pingpong", 0)\n${ROUTE}`)
    onTestFinished(() => proxy.stop())
    const { StreamAgent, requestOver } = await import('../support/stream-agent.ts')
    const phone = await StreamAgent.tcp(proxy.port)
    phone.send('\r\n\r\n')
    phone.send(requestOver(phone, 'OPTIONS', 'sip:127.0.0.1'))
    await phone.nextReply(200)
    expect(phone.pongs).toBe(0)
  })

  it('a port parameter says that it has no effect', async () => {
    const proxy = await startProxy(`loadmodule "proto_udp.so"\nmodparam("proto_udp", "udp_port", 5070)\n${ROUTE}`)
    onTestFinished(() => proxy.stop())
    expect(proxy.log.filter(line => line.includes('udp_port has no effect'))).toHaveLength(1)
  })

  it.each([
    ['proto_ws', 'ws_resource', '"sip"', 'ws_resource: expected a path'],
    ['proto_ws', 'require_origin', '"maybe"', 'require_origin: expected yes or no'],
    ['proto_ws', 'ws_handshake_timeout', '0', 'ws_handshake_timeout: expected at least 1'],
  ])('%s refuses %s = %s', async (module, param, value, message) => {
    const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs')
    const folder = mkdtempSync('/tmp/fanfare-proto-')
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = `${folder}/t.cfg`
    writeFileSync(file, `loadmodule "${module}.so"\nmodparam("${module}", "${param}", ${value})\n${ROUTE}`)
    expect((await checkFile({ file })).text).toContain(message)
  })
})
