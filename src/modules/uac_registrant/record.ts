import type { ListenSocket } from '../../sip/net/endpoint.ts'

/** Where a registration stands, in the words of the management interface. */
export type RegistrationState =
  | 'NOT_REGISTERED'
  | 'REGISTERING'
  | 'AUTHENTICATING'
  | 'REGISTERED'
  | 'REGISTER_TIMEOUT'
  | 'INTERNAL_ERROR'
  | 'WRONG_CREDENTIALS'
  | 'REGISTRAR_ERROR'
  | 'UNREGISTERING'
  | 'AUTHENTICATING_UNREGISTER'

/** What the table says of one registration. */
export interface RecordData {
  /** URI of the registrar, which is the Request-URI. */
  readonly registrar: string
  /** URI to send to instead; null for the registrar itself. */
  readonly proxy: string | null
  readonly aor: string
  /** Who registers, in From, where that is not the address of record. */
  readonly thirdParty: string | null
  readonly username: string | null
  readonly password: string | null
  /** URI of the contact. */
  readonly binding: string
  /** Parameters of the contact, `;q=0.7`. */
  readonly bindingParams: string
  readonly expiresS: number
  readonly socket: ListenSocket | null
  readonly isEnabled: boolean
}

/** One registration that is kept alive. Plain state. */
export class RegistrantRecord {
  data: RecordData
  state: RegistrationState = 'NOT_REGISTERED'
  isEnabled: boolean
  readonly callId: string
  readonly fromTag: string
  cseq = 0
  /** Wall clock, ms; 0 before the first. */
  lastSentMs = 0
  /** When it is refreshed; 0 while it is not registered. */
  dueMs = 0
  /** A request is under way. */
  isBusy = false
  /** Taken out of the table, or the proxy stops. */
  isGone = false
  /** What is to be done when the request under way has ended. */
  wish: 'register' | 'unregister' | null = null

  constructor(data: RecordData, ids: { readonly callId: string; readonly fromTag: string }) {
    this.data = data
    this.isEnabled = data.isEnabled
    this.callId = ids.callId
    this.fromTag = ids.fromTag
  }

  /** What names it: address of record, contact and registrar. */
  get key(): string {
    return recordKey(this.data.aor, this.data.binding, this.data.registrar)
  }
}

export const recordKey = (aor: string, contact: string, registrar: string): string => `${aor}\n${contact}\n${registrar}`
