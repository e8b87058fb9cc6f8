import { onTestFinished } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { challengesOf, credentialsFor, type Login } from '../../support/digest-client.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { type RequestOptions, SipUa } from '../../support/sip-ua.ts'

/** A server that authorises, with an agent that talks to it. */
export interface Guarded {
  readonly clock: VirtualClock
  readonly ua: SipUa
  readonly port: number
  readonly log: readonly string[]
  /** Sends a REGISTER, or another request, and gives the reply. */
  ask(header?: string, options?: AskOptions): Promise<SipMessage>
  /** Asks without credentials, and again with those that answer the challenge. */
  login(login?: Login, options?: AskOptions): Promise<SipMessage>
}

interface AskOptions extends RequestOptions {
  readonly method?: string
  /** URI of From. */
  readonly from?: string
}

/** Starts a script on sl and auth; `params` are whole lines. */
export async function startGuarded(script: string, params = ''): Promise<Guarded> {
  const clock = new VirtualClock()
  const text = `loadmodule "sl.so"\nloadmodule "sipmsgops.so"\nloadmodule "auth.so"\n${params}\n${script}`
  const started = await startProxy(text, { clock })
  onTestFinished(async () => {
    await started.proxy.stop(AbortSignal.abort())
    await started.stop()
  })
  const ua = await SipUa.open('bob')
  let cseq = 1
  const ask: Guarded['ask'] = async (header = '', { method = 'REGISTER', from, ...options } = {}) => {
    const headers = `${header}${options.headers ?? ''}`
    const callId = `call-${ua.port}-${cseq}`
    const text = ua.makeRequest(method, { uri: 'sip:127.0.0.1', cseq: cseq++, callId, ...options, headers })
    ua.send(from === undefined ? text : text.replace(/^From: <[^>]*>/m, `From: <${from}>`), started.port)
    return nextFinal(ua, callId)
  }
  return {
    clock,
    ua,
    port: started.port,
    log: started.log,
    ask,
    login: async (login = {}, options = {}) => {
      const challenged = await ask('', options)
      const name = challenged.status === 407 ? 'Proxy-Authorization' : 'Authorization'
      const given = { ...options, method: options.method ?? login.method ?? 'REGISTER' }
      return ask(`${name}: ${credentialsFor(challenged, { ...login, method: given.method })}\r\n`, given)
    },
  }
}

async function nextFinal(ua: SipUa, callId: string): Promise<SipMessage> {
  const patience = AbortSignal.timeout(10_000)
  for (;;) {
    const found = ua.received.find(message => message.callId === callId && message.status >= 200)
    if (found !== undefined) return found
    if (patience.aborted) throw new Error(`no reply to ${callId}`)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** Status and phrase of a reply. */
export const lineOf = (reply: SipMessage): string => `${reply.status} ${reply.reason}`

/** Whether a reply says that the nonce was stale. */
export const isStale = (reply: SipMessage): boolean => challengesOf(reply).every(({ stale }) => stale)
