import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'

/** One piece of script, and what a text with variables must read as behind it. */
export interface ScriptCase {
  /** The claim. */
  readonly title: string
  readonly script: string
  /** Text with variables, put into a header of the reply. */
  readonly shows: string
  readonly expected: string
  readonly uri?: string
  readonly headers?: string
}

const MODULES = ['sl', 'tm', 'signaling', 'sipmsgops'].map(name => `loadmodule "${name}.so"`).join('\n')

/** A test for each case, all on one running proxy: each is sent a request and answers with what it shows. */
export function scriptCases(cases: readonly ScriptCase[], settings = ''): { proxy(): ProxyUnderTest } {
  let running: ProxyUnderTest | null = null
  beforeAll(async () => {
    running = await startProxy(scriptOf(cases, settings))
  })
  afterAll(async () => await running?.stop())
  const proxy = (): ProxyUnderTest => {
    if (running === null) throw new Error('the proxy has not started')
    return running
  }
  for (const [i, { title, expected, uri, headers = '' }] of cases.entries()) {
    it(title, async () => {
      const ua = await SipUa.open('alice')
      const options = { headers: `X-Case: c${i}\r\n${headers}`, ...(uri === undefined ? {} : { uri }) }
      ua.request('OPTIONS', proxy().port, options)
      expect(headerOf(await ua.nextReply(200), 'X-Out')).toBe(expected)
    })
  }
  return { proxy }
}

function scriptOf(cases: readonly ScriptCase[], settings: string): string {
  const routes = cases.map(
    ({ script, shows }, i) => `
route[c${i}] {
  ${script}
  append_to_reply("X-Out: ${shows}");
}`,
  )
  return `${settings}
${MODULES}
route {
  $var(case) = $hdr(X-Case);
  route($var(case));
  send_reply(200, "OK");
}
${routes.join('\n')}
`
}
