import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MysqlDriver } from '../../../src/db/mysql/mysql-driver.ts'
import { PostgresDriver } from '../../../src/db/postgres/postgres-driver.ts'
import { systemClock } from '../../../src/util/clock.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'

const OPTIONS = { clock: systemClock, timeoutMs: 20_000, tries: 1, readers: 1, changed: () => {} }

/** A server that is none; gives where it listens. */
async function oddServer(greet: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    greet(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { readonly port: number }
  return { server, location: `proxy:secret@127.0.0.1:${port}/voip` }
}

describe.each([
  ['mysql', MysqlDriver],
  ['postgres', PostgresDriver],
])('opening %s:// on a server that is none', (_, Driver) => {
  it.each([
    ['is of another protocol', Buffer.from('SSH-2.0-x\r\n')],
    ['ends its greeting too early', Buffer.from('\x06\0\0\0\x0a8.0\0a', 'latin1')],
    ['sends lengths beyond all bounds', Buffer.alloc(64, 0xff)],
    ['sends zeros', Buffer.alloc(64)],
  ])('that %s is refused, and nothing is thrown elsewhere', async (_case, greeting) => {
    const { location } = await oddServer(socket => socket.end(greeting))
    await expect(new Driver(OPTIONS).open(location)).rejects.toMatchObject({
      code: 'E_DB_STORAGE',
      message: expect.not.stringContaining('secret'),
    })
  })

  it('that says nothing is given up when the time is over', async () => {
    const { server, location } = await oddServer(() => {})
    const clock = new VirtualClock()
    const connected = once(server, 'connection')
    const opening = new Driver({ ...OPTIONS, clock, timeoutMs: 2000 }).open(location)
    const refused = expect(opening).rejects.toMatchObject({
      message: expect.stringContaining('no answer within 2000 ms'),
    })
    await connected
    await clock.advance(2000)
    await refused
    expect(clock.pending).toBe(0)
  })
})
