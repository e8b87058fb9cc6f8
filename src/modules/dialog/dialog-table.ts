import { randomFillSync } from 'node:crypto'
import { Dialog, type Direction, type Leg } from './dialog.ts'
import { type DialogId, idText, type NamedDialogId, parseDialogId } from './dialog-id.ts'

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
  readonly #byId = new Map<string, Dialog>()
  /** Nearly every Call-ID has one. */
  readonly #byCallId = new Map<string, Dialog | Set<Dialog>>()

  /** `size`: how many buckets ids are spread over. */
  constructor(size: number) {
    this.#size = Math.max(1, size)
  }

  get count(): number {
    return this.#byId.size
  }

  /** An id for a call, in use by no other. */
  newId(callId: string): NamedDialogId {
    const entry = hash(callId) % this.#size
    for (;;) {
      const number = randomNumber()
      const text = idText({ entry, number })
      if (!this.#byId.has(text)) return { entry, number, text }
    }
  }

  add(dialog: Dialog): void {
    this.#byId.set(dialog.id, dialog)
    const { callId } = dialog.origin
    const known = this.#byCallId.get(callId)
    if (known === undefined) this.#byCallId.set(callId, dialog)
    else if (!(known instanceof Dialog)) known.add(dialog)
    else if (known !== dialog) this.#byCallId.set(callId, new Set([known, dialog]))
  }

  remove(dialog: Dialog): void {
    this.#byId.delete(dialog.id)
    const { callId } = dialog.origin
    const known = this.#byCallId.get(callId)
    if (known instanceof Set) known.delete(dialog)
    if (known === dialog || (known instanceof Set && known.size === 0)) this.#byCallId.delete(callId)
  }

  find(id: DialogId): Dialog | undefined {
    return this.#byId.get(idText(id))
  }

  /** By its id as `Dialog.id` gives it, or in any other form. */
  findText(text: string): Dialog | undefined {
    const found = this.#byId.get(text)
    if (found !== undefined) return found
    const id = parseDialogId(text)
    return id === null ? undefined : this.find(id)
  }

  /** All of a call: branches of a spiral are dialogs of their own. The newest last. */
  ofCall(callId: string): readonly Dialog[] {
    const known = this.#byCallId.get(callId) ?? []
    return known instanceof Dialog ? [known] : [...known]
  }

  /** In order of creation. */
  all(): IterableIterator<Dialog> {
    return this.#byId.values()
  }

  /** The dialog a Call-ID and two tags name (RFC 3261 §12). */
  match(callId: string, fromTag: string, toTag: string): Match | null {
    const known = this.#byCallId.get(callId)
    if (known === undefined) return null
    if (known instanceof Dialog) return matchTags(known, fromTag, toTag)
    for (const dialog of known) {
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

const randomNumbers = new Uint32Array(1024)
let randomNumbersUsed = randomNumbers.length

/** 1 to 2³² − 1; drawn many at a time, since that costs hardly more than one. */
function randomNumber(): number {
  if (randomNumbersUsed === randomNumbers.length) {
    randomFillSync(randomNumbers)
    randomNumbersUsed = 0
  }
  return randomNumbers[randomNumbersUsed++] || 1
}

function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}
