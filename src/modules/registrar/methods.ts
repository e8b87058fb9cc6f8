/** Bits of the methods a contact takes, as the location store keeps them. */
const METHOD_BIT: Readonly<Record<string, number>> = {
  INVITE: 1,
  CANCEL: 2,
  ACK: 4,
  BYE: 8,
  INFO: 16,
  OPTIONS: 32,
  UPDATE: 64,
  REGISTER: 128,
  MESSAGE: 256,
  SUBSCRIBE: 512,
  NOTIFY: 1024,
  PRACK: 2048,
  REFER: 4096,
  PUBLISH: 8192,
}
const OTHER_METHOD = 16384

/** Every method: what a contact takes that names none. */
export const ALL_METHODS = 0xffffffff

export function methodBit(method: string): number {
  return METHOD_BIT[method] ?? OTHER_METHOD
}

/** The mask for a comma-separated list of methods, as Allow and the contact parameter `methods` have them. */
export function methodMask(list: string): number {
  return list
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
    .reduce((mask, name) => mask | methodBit(name), 0)
}
