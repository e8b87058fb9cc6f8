import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { encodeFrame, FrameKind } from '../../../src/cluster/frame.ts'
import { encodeHello, makeHello } from '../../../src/cluster/handshake.ts'
import { until } from '../../support/until.ts'
import { startNode, startPair, type TestNode } from './rig.ts'
import { SilentServer } from './silent-server.ts'

/** A stranger's connection to a node. */
async function knock(node: TestNode): Promise<{ readonly socket: Socket; isClosed: boolean; received: number }> {
  const socket = connect(node.binPort, '127.0.0.1')
  const knocked = { socket, isClosed: false, received: 0 }
  socket.on('error', () => {})
  socket.on('data', bytes => {
    knocked.received += bytes.length
  })
  socket.on('close', () => {
    knocked.isClosed = true
  })
  onTestFinished(() => void socket.destroy())
  await new Promise<void>(resolve => void socket.once('connect', resolve))
  return knocked
}

const hello = (secret = ''): Buffer => encodeFrame(FrameKind.hello, encodeHello(makeHello(1, 9, secret)))
const message = (text: string): Buffer => encodeFrame(FrameKind.message, Buffer.from(text))

describe('nodes without the secret', () => {
  it('two nodes with one secret talk', async () => {
    const [one] = await startPair({ secret: 'shared' })
    expect(one.up).toBe(1)
  })

  it.each([
    ['another secret', 'wrong'],
    ['none', undefined],
  ])('a node with %s is not let in, and the log says why', async (_, secret) => {
    const one = await startNode(1, { secret: 'shared' })
    const two = await startNode(2, {
      neighbours: [[1, one.binPort]],
      ...(secret === undefined ? {} : { secret }),
    })
    await until(() => one.proxy.log.some(line => /not authenticated|has no secret/.test(line)))
    expect([one.up, two.up]).toEqual([0, 0])
    expect(await one.mi('clusterer_list')).toEqual({ Clusters: [{ cluster_id: 1, Nodes: [] }] })
  })

  it('a message that was heard cannot be sent again on another connection', async () => {
    const one = await startNode(1, { secret: 'shared' })
    const stranger = await knock(one)
    stranger.socket.write(hello('guessed'))
    stranger.socket.write(message('{"type":"ping","number":1}'))
    await until(() => stranger.isClosed)
    expect(one.up).toBe(0)
  })
})

describe('nonsense', () => {
  it.each([
    ['SIP', Buffer.from('OPTIONS sip:x SIP/2.0\r\n\r\n')],
    ['another version', Buffer.from([0x46, 0x46, 9, 1, 0, 0, 0, 0])],
    ['a frame that is too large', Buffer.from([0x46, 0x46, 1, 1, 0xff, 0xff, 0xff, 0xff])],
    ['a greeting that is none', encodeFrame(FrameKind.hello, Buffer.from('hello'))],
    ['a message before the greeting', message('{"type":"ping","number":1}')],
    ['an unknown cluster', encodeFrame(FrameKind.hello, encodeHello(makeHello(5, 9, '')))],
    ['the number of the node itself', encodeFrame(FrameKind.hello, encodeHello(makeHello(1, 1, '')))],
    ['two greetings', Buffer.concat([hello(), hello()])],
    ['no JSON', Buffer.concat([hello(), message('nonsense')])],
    ['JSON of no kind', Buffer.concat([hello(), message('[]')])],
    ['an advert without members', Buffer.concat([hello(), message('{"type":"states","adverts":[{}]}')])],
    ['deep nesting', Buffer.concat([hello(), message('['.repeat(900))])],
  ])('%s ends the connection, and nothing else', async (_, bytes) => {
    const [one, two] = await startPair()
    const stranger = await knock(one)
    stranger.socket.write(bytes)
    await until(() => stranger.isClosed)
    expect([one.up, two.up]).toEqual([1, 1])
    expect(one.proxy.log.filter(line => /\b(ERROR|CRITICAL|ALERT):/.test(line))).toEqual([])
  })

  it('any bytes behind a greeting leave the node as it was', async () => {
    const one = await startNode(1)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, isFramed) => {
        const stranger = await knock(one)
        stranger.socket.write(Buffer.concat([hello(), isFramed ? message(Buffer.from(bytes).toString()) : bytes]))
        stranger.socket.end()
        await until(() => stranger.isClosed)
      }),
      { numRuns: 50 },
    )
    expect(one.up).toBe(0)
  })

  it('parcels of unknown nodes and topics, and parcels without end, are dropped', async () => {
    const [one] = await startPair()
    const stranger = await knock(one)
    const parcel = { type: 'parcel', source: 9, destination: 1, hops: 0, topic: 'script:request', body: {} }
    stranger.socket.write(hello())
    stranger.socket.write(message(JSON.stringify(parcel)))
    stranger.socket.write(message(JSON.stringify({ ...parcel, source: 2, topic: 'nothing' })))
    stranger.socket.write(message(JSON.stringify({ ...parcel, source: 2, body: [1] })))
    stranger.socket.write(message(JSON.stringify({ ...parcel, source: 2, destination: 2, hops: 99 })))
    const before = stranger.received
    stranger.socket.write(message('{"type":"ping","number":7}'))
    await until(() => stranger.received > before)
    expect(one.events.filter(event => event.includes('REQ_RECEIVED'))).toEqual([])
  })

  it('who does not greet is cut off after five seconds', async () => {
    const one = await startNode(1)
    const stranger = await knock(one)
    while (!stranger.isClosed) await one.clock.advance(1_000)
    expect(one.clock.monotonicMs()).toBeGreaterThanOrEqual(5_000)
  })
})

describe('slow nodes', () => {
  it('a node that accepts and says nothing is probed and then down', async () => {
    const silent = await SilentServer.open()
    const one = await startNode(1, { neighbours: [[2, silent.port]] })
    await until(() => silent.connections > 0)
    const state = async (): Promise<string> => JSON.stringify(await one.mi('clusterer_list'))
    while (!(await state()).includes('"link_state":"Down"')) await one.clock.advance(500)
    expect(silent.connections).toBe(3)
  })

  it('a node whose answers come is up for as long as time passes', async () => {
    const [one] = await startPair()
    for (let i = 0; i < 100; i++) await one.clock.advance(100)
    await until(() => one.up === 1)
    expect(one.events.filter(event => event.includes('"new_state":0'))).toEqual([])
  })
})
