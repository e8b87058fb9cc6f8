import { onTestFinished } from 'vitest'
import { startProxy } from './running-proxy.ts'
import { SipUa } from './sip-ua.ts'

/** A proxy that answers each request with what a call of its script gave. */
export interface ScriptedAnswer {
  readonly log: readonly string[]
  mi(command: string, params?: Readonly<Record<string, unknown>>): Promise<unknown>
  /** The phrase of the reply to a MESSAGE; `change` rewrites the request before it is sent. */
  answer(change?: (request: string) => string): Promise<string>
}

/** Starts `route { call; }` behind these lines, answering with the code of the call and then with `shown`. */
export async function startAnswering(lines: string, call: string, shown = ''): Promise<ScriptedAnswer> {
  const script = `loadmodule "sl.so"\n${lines}\nroute { ${call}; $var(code) = $rc; sl_send_reply(299, "$var(code) ${shown}"); }`
  const started = await startProxy(script)
  onTestFinished(() => started.stop())
  return {
    log: started.log,
    mi: (command, params) => started.proxy.host.mi.call(command, params),
    answer: async (change = text => text) => {
      const ua = await SipUa.open('alice')
      ua.send(change(ua.makeRequest('MESSAGE')), started.port)
      return (await ua.nextReply(299)).reason.trim()
    },
  }
}

/** Puts another URI into From. */
export const fromUri = (uri: string) => (text: string) => text.replace(/^From: <[^>]*>/m, `From: <${uri}>`)
/** Puts another Request-URI. */
export const requestUri = (uri: string) => (text: string) => text.replace(/^MESSAGE \S+/, `MESSAGE ${uri}`)
