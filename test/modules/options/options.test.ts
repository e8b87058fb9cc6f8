import { describe, expect, it } from 'vitest'
import { startScenario } from '../../interop/scenarios/rig.ts'
import { firstLine, headerOf, SipUa } from '../../support/sip-ua.ts'

const script = (params = ''): string => `
socket=udp:127.0.0.1:@PORT@
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "options.so"
${params}
route { if (!options_reply()) send_reply(405, "Not For Me"); }
`

async function ask(method: string, uri: string, params = '') {
  const { port, logged } = await startScenario(script(params))
  const alice = await SipUa.open('alice')
  alice.request(method, port, { uri })
  const reply = await alice.nextReply(method === 'OPTIONS' && !uri.includes('@') ? 200 : 405)
  return { reply, logged }
}

describe('options_reply', () => {
  it('answers OPTIONS to the proxy with what it supports', async () => {
    const { reply } = await ask('OPTIONS', 'sip:127.0.0.1')
    expect(firstLine(reply)).toBe('SIP/2.0 200 OK')
    const values = ['Accept', 'Accept-Encoding', 'Accept-Language', 'Supported'].map(name => headerOf(reply, name))
    expect(values).toEqual(['*/*', '', 'en', ''])
    expect(reply.findNamed('Accept-Encoding')).toBeGreaterThan(0)
  })

  it('takes the headers from the parameters', async () => {
    const { reply } = await ask(
      'OPTIONS',
      'sip:127.0.0.1',
      `modparam("options", "accept", "application/sdp")
modparam("options", "accept_encoding", "identity")
modparam("options", "accept_language", "de")
modparam("options", "support", "path")`,
    )
    const values = ['Accept', 'Accept-Encoding', 'Accept-Language', 'Supported'].map(name => headerOf(reply, name))
    expect(values).toEqual(['application/sdp', 'identity', 'de', 'path'])
  })

  it.each([
    ['MESSAGE', 'sip:127.0.0.1'],
    ['OPTIONS', 'sip:bob@127.0.0.1'],
  ])('leaves %s %s to the script, whose reply has none of the headers', async (method, uri) => {
    const { reply } = await ask(method, uri)
    expect([firstLine(reply), reply.findNamed('Accept')]).toEqual(['SIP/2.0 405 Not For Me', -1])
  })
})
