import type { RouteContext } from '../../script/context.ts'
import { buildAck, buildCancel } from '../../sip/codec/write.ts'
import type { LocalFailure } from '../../sip/tx/failure-reply.ts'
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
  open(services, branch, t.method, client)
  if (client.start()) return true
  branch.client = null
  t.openClients--
  services.tables.clients.remove(branch.id, t.method)
  return false
}

/** What the state machine of a branch asks for. */
class Downstream implements InviteClientUser<RouteContext> {
  readonly #services: TmServices
  readonly #branch: Branch

  constructor(services: TmServices, branch: Branch) {
    this.#services = services
    this.#branch = branch
  }

  transmit(attempt: number): boolean {
    const branch = this.#branch
    countRetransmission(this.#services.stats, attempt)
    if (branch.sent === null) return false
    const isSent = send(this.#services, branch, branch.sent, () => branch.client?.transportError())
    if (isSent && attempt === 0 && branch.transaction.caller !== null) observe(this.#services, branch, branch.sent)
    return isSent
  }

  passUp(reply: RouteContext): void {
    this.#services.events.reply(this.#branch, reply)
  }

  failed(reason: TxFailure): void {
    this.#services.events.failed(this.#branch, reason)
  }

  acknowledge(reply: RouteContext): void {
    acknowledge(this.#services, this.#branch, reply)
  }

  terminated(): void {
    close(this.#services, this.#branch, this.#branch.transaction.method)
  }
}

/** Sends the CANCEL of a branch, as a transaction of its own (RFC 3261 §9.1). */
export function sendCancel(services: TmServices, branch: Branch): void {
  branch.cancel = 'sent'
  const request = branch.sentMessage
  if (request === null) return
  const bytes = buildCancel(request, branch.cancelHeaders)
  const client = new NonInviteClient<RouteContext>(branch, {
    transmit: () => send(services, branch, bytes, () => client.transportError()),
    passUp: () => {},
    failed: () => {},
    terminated: () => close(services, branch, 'CANCEL'),
  })
  open(services, branch, 'CANCEL', client)
  if (client.start()) observe(services, branch, bytes)
  else close(services, branch, 'CANCEL')
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

type Client = InviteClient<RouteContext> | NonInviteClient<RouteContext>

function open(services: TmServices, branch: Branch, method: string, client: Client): void {
  branch.transaction.openClients++
  services.tables.clients.add(branch.id, method, new OpenClient(branch, client))
}

class OpenClient implements ClientEntry {
  readonly branch: Branch
  readonly #client: Client

  constructor(branch: Branch, client: Client) {
    this.branch = branch
    this.#client = client
  }

  receive(reply: RouteContext): void {
    this.#client.receive(reply.message.status, reply)
  }

  stop(): void {
    this.#client.stop()
  }
}

function close(services: TmServices, branch: Branch, method: string): void {
  branch.transaction.openClients--
  services.tables.clients.remove(branch.id, method)
  releaseIfDone(services, branch.transaction)
}
