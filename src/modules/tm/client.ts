import type { RouteContext } from '../../script/context.ts'
import { buildAck, buildCancel } from '../../sip/codec/write.ts'
import type { LocalFailure } from '../../sip/tx/failure-reply.ts'
import type { Place } from '../../sip/tx/fingerprint.ts'
import { InviteClient } from '../../sip/tx/invite-client.ts'
import { NonInviteClient } from '../../sip/tx/non-invite-client.ts'
import type { InviteClientUser, TxFailure } from '../../sip/tx/transaction-user.ts'
import type { Branch } from './branch.ts'
import { releaseIfDone } from './release.ts'
import type { ClientEntry, TmServices } from './services.ts'
import { countRetransmission } from './statistics.ts'

/** Sends a branch to the first of its addresses that takes it. Gives what prevented it, or null when it was sent. */
export function startBranch(services: TmServices, branch: Branch): LocalFailure | null {
  const [...hops] = branch.hops
  let failure: LocalFailure = 'send-failed'
  for (let hop = hops.shift(); hop !== undefined; hop = hops.shift()) {
    branch.hops = hops
    const socket = services.proxy.socketFor(hop, branch.target.socket ?? branch.context.origin.socket)
    if (socket === null) continue
    branch.hop = services.proxy.branchHop(branch.context, branch.target, hop)
    branch.socket = socket
    const { target, context, id } = branch
    branch.sent = services.proxy.writeRequest(context, { target, hop, socket }, id)
    if (services.proxy.blacklists.forbids(context, hop, branch.sent)) failure = 'filtered'
    else if (startClient(services, branch)) return null
    else failure = 'send-failed'
  }
  return failure
}

function startClient(services: TmServices, branch: Branch): boolean {
  const t = branch.transaction
  const owner = new Downstream(services, branch)
  const client = t.isInvite ? new InviteClient(branch, owner) : new NonInviteClient(branch, owner)
  branch.client = client
  owner.open(t.method, client)
  if (client.start()) return true
  branch.client = null
  owner.forget()
  return false
}

type Client = InviteClient<RouteContext> | NonInviteClient<RouteContext>

/** A client transaction of a branch among all others, until its state machine has ended. */
class OpenClient implements ClientEntry {
  readonly services: TmServices
  readonly branch: Branch
  #client: Client | null = null
  #place: Place<ClientEntry> | null = null

  constructor(services: TmServices, branch: Branch) {
    this.services = services
    this.branch = branch
  }

  /** Its state machine will get the replies to this method. */
  open(method: string, client: Client): void {
    this.#client = client
    this.branch.transaction.openClients++
    this.#place = this.services.tables.clients.add(this.branch.id, method, this)
  }

  receive(reply: RouteContext): void {
    this.#client?.receive(reply.message.status, reply)
  }

  stop(): void {
    this.#client?.stop()
  }

  /** No reply comes here any more. */
  forget(): void {
    this.branch.transaction.openClients--
    if (this.#place !== null) this.services.tables.clients.remove(this.#place)
    this.#place = null
  }

  terminated(): void {
    this.forget()
    releaseIfDone(this.services, this.branch.transaction)
  }
}

/** What the state machine of a branch asks for. */
class Downstream extends OpenClient implements InviteClientUser<RouteContext> {
  transmit(attempt: number): boolean {
    const { services, branch } = this
    countRetransmission(services.stats, attempt)
    if (branch.sent === null) return false
    const isSent = send(services, branch, branch.sent, () => branch.client?.transportError())
    if (isSent && attempt === 0 && branch.transaction.caller !== null) observe(services, branch, branch.sent)
    return isSent
  }

  passUp(reply: RouteContext): void {
    this.services.events.reply(this.branch, reply)
  }

  failed(reason: TxFailure): void {
    this.services.events.failed(this.branch, reason)
  }

  acknowledge(reply: RouteContext): void {
    acknowledge(this.services, this.branch, reply)
  }
}

/** Sends the CANCEL of a branch, as a transaction of its own (RFC 3261 §9.1). */
export function sendCancel(services: TmServices, branch: Branch): void {
  branch.cancel = 'sent'
  const request = branch.sentMessage
  if (request === null) return
  const bytes = buildCancel(request, branch.cancelHeaders)
  const entry = new OpenClient(services, branch)
  const client = new NonInviteClient<RouteContext>(branch, {
    transmit: () => send(services, branch, bytes, () => client.transportError()),
    passUp: () => {},
    failed: () => {},
    terminated: () => entry.terminated(),
  })
  entry.open('CANCEL', client)
  if (client.start()) observe(services, branch, bytes)
  else entry.terminated()
  if (branch.client instanceof InviteClient) branch.client.cancelled()
}

function send(services: TmServices, branch: Branch, bytes: Buffer, onError: () => void): boolean {
  const { hop, socket } = branch
  return hop !== null && socket !== null && services.proxy.send(bytes, hop, socket, onError)
}

function acknowledge(services: TmServices, branch: Branch, reply: RouteContext): void {
  const request = branch.sentMessage
  if (request === null) return
  const bytes = buildAck(request, reply.message)
  if (send(services, branch, bytes, () => {})) observe(services, branch, bytes)
}

function observe({ observer }: TmServices, { transaction, socket }: Branch, bytes: Buffer): void {
  if (socket !== null) observer?.request(transaction, bytes, socket)
}
