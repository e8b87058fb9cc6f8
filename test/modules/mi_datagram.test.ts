import { describe, expect, it } from 'vitest'
import miDatagram from '../../src/modules/mi_datagram/index.ts'
import { UdpClient } from '../mi/doors/udp-client.ts'
import { PING, PONG } from '../mi/golden-cases.ts'
import { moduleStand, NEVER, setUp } from '../mi/start-module.ts'

describe('mi_datagram', () => {
  it('answers commands at socket_name', async () => {
    const stand = moduleStand()
    const door = setUp(stand, miDatagram, { socket_name: 'udp:127.0.0.1:0' })
    await door.start?.(NEVER)
    const name = /"address":"([^"]+)"/.exec(stand.log.at('info').join())?.[1] ?? ''
    const client = new UdpClient(name)
    expect(await client.ask(PING)).toBe(PONG)
    client.close()
    await door.stop?.(NEVER)
  })

  it.each([
    [{}, 'needs its parameter socket_name'],
    [{ socket_name: 'tcp:x:1' }, 'neither udp:host:port'],
  ])('refuses %j', (params, message) => {
    expect(() => setUp(moduleStand(), miDatagram, params)).toThrow(message)
  })

  it('on a reachable address warns, and does not start under mi_require_auth', async () => {
    const stand = moduleStand()
    const door = setUp(stand, miDatagram, { socket_name: 'udp:0.0.0.0:0' })
    await door.start?.(NEVER)
    await door.stop?.(NEVER)
    expect(stand.log.at('warn').join()).toContain('mi_datagram offers every management command')
    const strict = setUp(moduleStand({ mi_require_auth: 1 }), miDatagram, { socket_name: 'udp:0.0.0.0:0' })
    await expect(strict.start?.(NEVER)).rejects.toThrow('mi_require_auth is set')
  })
})
