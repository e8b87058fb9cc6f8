import { randomInt } from 'node:crypto'
import type { Dialog, Direction, Leg } from './dialog.ts'
import type { DialogId } from './dialog-id.ts'

/** A dialog a request belongs to, and which way the request goes. */
export interface Match {
  readonly dialog: Dialog
  readonly direction: Direction
  /** The callee it comes from or goes to. */
  readonly callee: Leg
}

/** Every dialog, by id and by Call-ID. */
export class DialogTable {
  readonly #size: number
  readonly #byId = new Map<number, Dialog>()
  readonly #byCallId = new Map<string, Set<Dialog>>()

  /** `size`: how many buckets ids are spread over. */
  constructor(size: number) {
    this.#size = Math.max(1, size)
  }

  get count(): number {
    return this.#byId.size
  }

  /** An id for a call, in use by no other. */
  newId(callId: string): DialogId {
    const entry = hash(callId) % this.#size
    for (;;) {
      const id = { entry, number: randomInt(1, 2 ** 32) }
      if (!this.#byId.has(key(id))) return id
    }
  }

  add(dialog: Dialog): void {
    this.#byId.set(key(dialog), dialog)
    const { callId } = dialog.origin
    const others = this.#byCallId.get(callId)
    if (others === undefined) this.#byCallId.set(callId, new Set([dialog]))
    else others.add(dialog)
  }

  remove(dialog: Dialog): void {
    this.#byId.delete(key(dialog))
    const others = this.#byCallId.get(dialog.origin.callId)
    others?.delete(dialog)
    if (others?.size === 0) this.#byCallId.delete(dialog.origin.callId)
  }

  find(id: DialogId): Dialog | undefined {
    const found = this.#byId.get(key(id))
    // Of an id that somebody made up, the number may have lost digits.
    return found?.entry === id.entry && found.number === id.number ? found : undefined
  }

  /** All of a call: branches of a spiral are dialogs of their own. The newest last. */
  ofCall(callId: string): readonly Dialog[] {
    return [...(this.#byCallId.get(callId) ?? [])]
  }

  /** In order of creation. */
  all(): IterableIterator<Dialog> {
    return this.#byId.values()
  }

  /** The dialog a Call-ID and two tags name (RFC 3261 §12). */
  match(callId: string, fromTag: string, toTag: string): Match | null {
    for (const dialog of this.#byCallId.get(callId) ?? []) {
      const match = matchTags(dialog, fromTag, toTag)
      if (match !== null) return match
    }
    return null
  }
}

/** How the tags of a request fit a dialog; null where they do not. */
export function matchTags(dialog: Dialog, fromTag: string, toTag: string): Match | null {
  if (dialog.caller.tag === fromTag) {
    const callee = dialog.calleeByTag(toTag)
    if (callee !== undefined) return { dialog, direction: 'downstream', callee }
  }
  if (dialog.caller.tag === toTag) {
    const callee = dialog.calleeByTag(fromTag)
    if (callee !== undefined) return { dialog, direction: 'upstream', callee }
  }
  return null
}

/** Both numbers as one: of ids given here exact, since buckets are few. */
function key({ entry, number }: DialogId): number {
  return entry * 2 ** 32 + number
}

function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}
