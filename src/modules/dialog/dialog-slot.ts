import type { Dialog } from './dialog.ts'

/** Where another module keeps what it knows of one dialog. Made once, by {@link dialogSlot}. */
export interface DialogSlot<T> {
  get(dialog: Dialog): T | undefined
  /** Undefined takes it away. */
  set(dialog: Dialog, value: T | undefined): void
}

let slotCount = 0

/** A slot of its own for whoever asks. */
export function dialogSlot<T>(): DialogSlot<T> {
  const index = slotCount++
  return {
    get: dialog => dialog.slots?.[index] as T | undefined,
    set: (dialog, value) => {
      dialog.slots ??= new Array(slotCount)
      dialog.slots[index] = value
    },
  }
}
