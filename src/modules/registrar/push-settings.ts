import { parseUri } from '../../sip/codec/uri.ts'
import type { MatchingMode } from './location.ts'

/** How contacts with push notifications are treated (RFC 8599; registrar reference, pn_ parameters). */
export interface PushSettings {
  /** Values of `pn-provider` that are served. */
  readonly providers: readonly string[]
  /** The parameters of a contact URI that name one device. */
  readonly matching: MatchingMode
  /** Before its expiry a client that can wakes up by itself so long, s. */
  readonly pnsregS: number
  /** Before its expiry a client that cannot is woken up so long, s. */
  readonly triggerS: number
  /** A contact that registered less long ago is taken to be awake, s. */
  readonly skipS: number
  /** How long a request waits for a contact to register. */
  readonly patienceMs: number
}

interface PushParams {
  readonly pn_enable: number
  readonly pn_providers: string | undefined
  readonly pn_ct_match_params: string
  readonly pn_pnsreg_interval: number
  readonly pn_trigger_interval: number
  readonly pn_skip_pn_interval: number
  readonly pn_refresh_timeout: number
}

/** Null where push notifications are off. Throws an Error that says which parameter is wrong. */
export function pushSettings(params: PushParams): PushSettings | null {
  if (params.pn_enable === 0) return null
  const providers = list(params.pn_providers ?? '')
  if (providers.length === 0) throw new Error('pn_enable needs pn_providers, the push services that are served')
  for (const name of ['pn_trigger_interval', 'pn_skip_pn_interval', 'pn_pnsreg_interval'] as const)
    if (params[name] < 0) throw new Error(`${name}: expected 0 or more, got ${params[name]}`)
  if (params.pn_refresh_timeout < 1)
    throw new Error(`pn_refresh_timeout: expected at least 1, got ${params.pn_refresh_timeout}`)
  return {
    providers,
    matching: { by: 'params', names: list(params.pn_ct_match_params) },
    pnsregS: params.pn_pnsreg_interval,
    triggerS: params.pn_trigger_interval,
    skipS: params.pn_skip_pn_interval,
    patienceMs: params.pn_refresh_timeout * 1000,
  }
}

const list = (text: string): readonly string[] =>
  text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')

/**
 * What a contact URI says of push notifications: `push`: wake it by its provider; `query`: it asks which there are;
 * `unsupported`: by one that is not served; `none`.
 */
export type PushKind = 'push' | 'query' | 'unsupported' | 'none'

/** `pn-prid` and `pn-provider` make a contact one that is woken up (RFC 8599 §4.1). */
export function pushKind(uri: string, { providers }: PushSettings): PushKind {
  if (!uri.includes('pn-provider')) return 'none'
  const params = parseUri(uri)?.params
  if (params?.has('pn-provider') !== true) return 'none'
  const provider = params.get('pn-provider') ?? ''
  if (provider === '') return 'query'
  if (!providers.includes(provider)) return 'unsupported'
  return (params.get('pn-prid') ?? '') === '' ? 'none' : 'push'
}

/** When a contact must be woken up to register again, seconds since 1970; 0 for one that wakes up by itself. */
export function refreshTime(contact: { readonly uri: string; readonly expiresS: number }, push: PushSettings): number {
  return contact.expiresS === 0 || pushKind(contact.uri, push) !== 'push' ? 0 : contact.expiresS - push.triggerS
}
