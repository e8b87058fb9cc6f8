import { constants, createHash, generateKeyPairSync, privateDecrypt } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MysqlConnection } from '../../../src/db/mysql/connection.ts'
import { PacketFramer, packet } from '../../../src/db/mysql/wire.ts'
import { systemClock } from '../../../src/util/clock.ts'

const NONCE = Buffer.from('0123456789abcdefghij')
const sha256 = (...parts: readonly Buffer[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()

/** The greeting of a server of version 8, whose users prove their passwords by SHA-256. */
function greeting(plugin: string): Buffer {
  const fixed = Buffer.alloc(1 + 2 + 1 + 2 + 2 + 1 + 10)
  fixed.writeUInt8(21, 8)
  return Buffer.concat([
    Buffer.from('\x0a8.0.40\0'),
    Buffer.alloc(4),
    NONCE.subarray(0, 8),
    fixed,
    NONCE.subarray(8),
    Buffer.from(`\0${plugin}\0`),
  ])
}

/** A server that says the greeting, then answers each packet by what `answers` make of it. */
async function scripted(first: Buffer, ...answers: readonly ((payload: Buffer) => readonly Buffer[])[]) {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    const framer = new PacketFramer()
    let sequence = 0
    let step = 0
    socket.write(packet(first, sequence++))
    socket.on('data', (chunk: Buffer) => {
      for (const payload of framer.push(chunk)) {
        sequence++
        for (const answer of answers[step++]?.(payload) ?? []) socket.write(packet(answer, sequence++))
      }
    })
    socket.on('error', () => {})
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { readonly port: number }
  return MysqlConnection.open(
    { host: '127.0.0.1', port, socketPath: undefined, user: 'proxy', password: 'secret', database: 'voip' },
    { clock: systemClock, timeoutMs: 5000 },
  )
}

const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0])
const fast = Buffer.from([1, 3])
const wantsPassword = Buffer.from([1, 4])

describe('logging in to a server that hashes passwords by SHA-256', () => {
  it('proves the password without telling it where the server remembers it', async () => {
    let told = Buffer.alloc(0)
    const connection = await scripted(greeting('caching_sha2_password'), payload => {
      told = Buffer.from(payload)
      return [fast, OK]
    })
    const once = sha256(Buffer.from('secret'))
    const wanted = Buffer.from(once.map((byte, i) => byte ^ (sha256(sha256(once), NONCE)[i] ?? 0)))
    expect(told.subarray(32)).toEqual(
      Buffer.concat([Buffer.from('proxy\0'), Buffer.of(32), wanted, Buffer.from('voip\0caching_sha2_password\0')]),
    )
    connection.close()
  })

  it('seals the password for the key of the server where it does not', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const key = Buffer.from(`\x01${publicKey.export({ type: 'spki', format: 'pem' })}`)
    let opened = ''
    const connection = await scripted(
      greeting('caching_sha2_password'),
      () => [wantsPassword],
      payload => (payload.equals(Buffer.of(2)) ? [key] : []),
      payload => {
        const plain = privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, payload)
        opened = Buffer.from(plain.map((byte, i) => byte ^ (NONCE[i % NONCE.length] ?? 0))).toString()
        return [OK]
      },
    )
    expect(opened).toBe('secret\0')
    connection.close()
  })
})

describe('a server that talks nonsense', () => {
  it.each([
    ['is of another protocol', Buffer.from('SSH-2.0-x')],
    ['ends its greeting too early', Buffer.from('\x0a8.0\0ab')],
  ])('that %s is refused', async (_, first) => {
    await expect(scripted(first)).rejects.toThrow()
  })

  it.each([
    ['a result that is cut', [Buffer.of(1), Buffer.of(3)]],
    ['columns beyond all bounds', [Buffer.of(0xfe, 255, 255, 255, 255, 255, 255, 255, 255), Buffer.of(9)]],
  ])('%s ends the connection', async (_, answer) => {
    const connection = await scripted(
      greeting('mysql_native_password'),
      () => [OK],
      () => answer,
    )
    await expect(connection.query('SELECT 1')).rejects.toMatchObject({ name: 'ConnectionLost' })
    expect(connection.isLost).toBe(true)
  })

  it('what nobody asked for ends the connection', async () => {
    const connection = await scripted(greeting('mysql_native_password'), () => [OK, OK])
    while (!connection.isLost) await new Promise(resolve => setImmediate(resolve))
    await expect(connection.query('SELECT 1')).rejects.toMatchObject({ name: 'ConnectionLost' })
  })

  it('that asks for our files gets none', async () => {
    const sent: Buffer[] = []
    const connection = await scripted(
      greeting('mysql_native_password'),
      () => [OK],
      () => [Buffer.from('\xfb/etc/passwd', 'latin1')],
      payload => {
        sent.push(Buffer.from(payload))
        return [OK]
      },
    )
    await connection.query('SELECT 1')
    expect(sent).toEqual([Buffer.alloc(0)])
    connection.close()
  })
})
