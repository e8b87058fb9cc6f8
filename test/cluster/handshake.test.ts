import { describe, expect, it } from 'vitest'
import { encodeHello, makeHello, parseHello, Seal } from '../../src/cluster/handshake.ts'

const pair = (secrets: readonly [string, string]): readonly [Seal, Seal] => {
  const [connector, acceptor] = [makeHello(1, 1, secrets[0]), makeHello(1, 2, secrets[1])]
  return [new Seal(secrets[0], 'connector', connector, acceptor), new Seal(secrets[1], 'acceptor', connector, acceptor)]
}
const text = Buffer.from('message')

describe('greetings', () => {
  it('are read as they were written', () => {
    const hello = makeHello(3, 4, 'secret')
    expect(parseHello(encodeHello(hello))).toEqual(hello)
    expect(makeHello(3, 4, 'secret').nonce).not.toBe(hello.nonce)
  })

  it.each(['', 'a b c d', '0 1 none 00', '1 1 md5 00000000000000000000000000000000', '1 1 none short'])(
    '%j is none',
    bytes => {
      expect(parseHello(Buffer.from(bytes))).toBeNull()
    },
  )
})

describe('sealed messages', () => {
  it('open with the same secret, in order', () => {
    const [one, two] = pair(['s', 's'])
    expect(two.open(one.seal(text))).toEqual(text)
    expect(two.open(one.seal(text))).toEqual(text)
    expect(one.open(two.seal(text))).toEqual(text)
  })

  it.each([
    [
      'with another secret',
      (): Buffer | null => {
        const [one, two] = pair(['s', 't'])
        return two.open(one.seal(text))
      },
    ],
    [
      'twice',
      () => {
        const [one, two] = pair(['s', 's'])
        const sealed = one.seal(text)
        two.open(sealed)
        return two.open(sealed)
      },
    ],
    ['on another connection', () => pair(['s', 's'])[1].open(pair(['s', 's'])[0].seal(text))],
    [
      'sent back to who wrote them',
      () => {
        const [one] = pair(['s', 's'])
        return one.open(one.seal(text))
      },
    ],
    [
      'changed',
      () => {
        const [one, two] = pair(['s', 's'])
        const sealed = one.seal(text)
        sealed[sealed.length - 1]! ^= 1
        return two.open(sealed)
      },
    ],
    ['too short', () => pair(['s', 's'])[1].open(text)],
  ])('do not open %s', (_, attempt) => {
    expect(attempt()).toBeNull()
  })

  it('are plain without a secret', () => {
    const [one, two] = pair(['', ''])
    expect(one.seal(text)).toBe(text)
    expect(two.open(text)).toBe(text)
  })
})
