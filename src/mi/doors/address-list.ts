import { BlockList, isIP } from 'node:net'

/** The addresses a door takes requests from. */
export class AddressList {
  readonly #list = new BlockList()

  /** Parses addresses and networks, `127.0.0.1, 10.0.0.0/8, ::1`. Throws an Error that names the word it cannot read. */
  constructor(text: string) {
    for (const word of text.split(/[\s,;]+/).filter(one => one !== '')) this.#add(word)
  }

  /** An IPv4 address inside IPv6 (`::ffff:1.2.3.4`) counts as what it is. */
  has(address: string): boolean {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
    const family = isIP(plain)
    return family !== 0 && this.#list.check(plain, family === 6 ? 'ipv6' : 'ipv4')
  }

  #add(word: string): void {
    const [address = '', bits, ...rest] = word.split('/')
    const family = isIP(address)
    const longest = family === 6 ? 128 : 32
    const width = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : -1
    if (family === 0 || rest.length > 0 || width < 0 || width > longest)
      throw new Error(`"${word}" is no address and no network: expected such as 127.0.0.1, 10.0.0.0/8 or ::1`)
    this.#list.addSubnet(address, width, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/** The list of a parameter; null, which lets everybody in, when it is not set. Throws as the constructor does. */
export const parseAddressList = (text: string | undefined): AddressList | null =>
  text === undefined || text.trim() === '' ? null : new AddressList(text)
