import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DatagramDoor, parseDatagramAddress } from '../../../src/mi/doors/datagram.ts'
import { golden } from '../golden.ts'
import { DEADLY, ENGINE_CASES, PING, PONG, PROTOCOL_CASES } from '../golden-cases.ts'
import { type SampleInterface, sampleInterface } from '../sample-interface.ts'
import { UdpClient } from './udp-client.ts'

let sample: SampleInterface
let door: DatagramDoor
let client: UdpClient
let name: string

const make = (maxReplyBytes = 65457): DatagramDoor => {
  const address = { kind: 'udp', host: '127.0.0.1', port: 0 } as const
  return new DatagramDoor(
    sample.mi,
    { address, pretty: false, indent: '\t', rules: null, allowed: null, maxReplyBytes, mode: 0o660 },
    sample.log,
  )
}

beforeEach(async () => {
  sample = sampleInterface()
  door = make()
  name = await door.open()
  client = new UdpClient(name)
})
afterEach(async () => {
  client.close()
  await door.close()
})

describe('management by UDP', () => {
  it.each(ENGINE_CASES)('%s is answered as recorded', async name => {
    expect(await client.ask(golden(`mi/${name}.datagram.req`))).toBe(golden(`mi/${name}.datagram.out`).toString())
  })

  it.each([...PROTOCOL_CASES, 'bad_json'])('%s is answered as recorded', async name => {
    const answer = await client.ask(golden(`mi_proto/${name}.datagram.req`))
    expect(answer).toBe(golden(`mi_proto/${name}.datagram.out`).toString())
  })

  it('a notification is not answered', async () => {
    client.send(golden('mi_proto/notification_noid.datagram.req'))
    expect(await client.ask(PING)).toBe(PONG)
  })

  it.each(DEADLY)('%s does no harm', async (_name, request, answer) => {
    expect(await client.ask(request)).toBe(answer)
    expect(await client.ask(PING)).toBe(PONG)
  })

  it.each([
    ['nothing', ''],
    ['zeros', '\0\0\0\0'],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0xfe])],
  ])('a datagram of %s is answered as unreadable', async (_name, request) => {
    expect(await client.ask(request)).toBe('400 Parse_error')
    expect(await client.ask(PING)).toBe(PONG)
  })

  it('an answer larger than the limit becomes an internal error', async () => {
    await door.close()
    client.close()
    door = make(100)
    client = new UdpClient(await door.open())
    expect(await client.ask('{"jsonrpc":"2.0","method":"which","id":1}')).toBe('500 Internal error')
    expect(await client.ask(PING)).toBe(PONG)
  })

  it('an address that is taken is refused with the reason', async () => {
    const taken = new DatagramDoor(
      sample.mi,
      {
        address: parseDatagramAddress(`udp:${name}`),
        pretty: false,
        indent: '\t',
        rules: null,
        allowed: null,
        maxReplyBytes: 1,
        mode: 0,
      },
      sample.log,
    )
    await expect(taken.open()).rejects.toThrow('EADDRINUSE')
    await taken.close()
    expect(await client.ask(PING)).toBe(PONG)
  })

  it('IPv6 works alike', async () => {
    const address = { kind: 'udp', host: '::1', port: 0 } as const
    const six = new DatagramDoor(
      sample.mi,
      { address, pretty: false, indent: '\t', rules: null, allowed: null, maxReplyBytes: 1000, mode: 0 },
      sample.log,
    )
    const user = new UdpClient(await six.open())
    expect(await user.ask(PING)).toBe(PONG)
    user.close()
    await six.close()
  })
})

describe('socket_name', () => {
  it.each([
    ['udp:127.0.0.1:8080', { kind: 'udp', host: '127.0.0.1', port: 8080 }],
    ['udp:[::1]:8080', { kind: 'udp', host: '::1', port: 8080 }],
    ['udp:localhost:8080', { kind: 'udp', host: 'localhost', port: 8080 }],
    ['/tmp/socket', { kind: 'unix', path: '/tmp/socket' }],
    ['unix:/tmp/socket', { kind: 'unix', path: '/tmp/socket' }],
  ])('%s is understood', (text, expected) => {
    expect(parseDatagramAddress(text)).toEqual(expected)
  })

  it.each(['', 'udp:', 'udp:127.0.0.1', 'udp:127.0.0.1:99999', 'udp:::1:8080', 'tcp:127.0.0.1:8080', 'relative/path'])(
    '%j is refused',
    text => {
      expect(() => parseDatagramAddress(text)).toThrow(/neither udp:host:port nor the absolute path/)
    },
  )
})
