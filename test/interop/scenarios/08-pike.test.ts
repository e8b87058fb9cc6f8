import { createSocket, type Socket } from 'node:dgram'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FLOODER, SLIDES } from '../../modules/pike/rig.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { roundTrip, type Scenario, startScenario, until } from './rig.ts'

/** Sends OPTIONS from another loopback address and counts what is answered. */
class Flooder {
  answers = 0
  readonly #socket: Socket
  readonly #alice: SipUa
  readonly #scenario: Scenario

  private constructor(socket: Socket, alice: SipUa, scenario: Scenario) {
    this.#socket = socket
    this.#alice = alice
    this.#scenario = scenario
    socket.on('message', () => {
      this.answers++
    })
  }

  static async open(alice: SipUa, scenario: Scenario): Promise<Flooder> {
    const socket = createSocket('udp4')
    await new Promise<void>(resolve => void socket.bind(0, FLOODER, resolve))
    onTestFinished(() => new Promise<void>(resolve => void socket.close(() => resolve())))
    return new Flooder(socket, alice, scenario)
  }

  send(): void {
    const text = this.#alice
      .makeRequest('OPTIONS')
      .replace(/127\.0\.0\.1:\d+/, `${FLOODER}:${this.#socket.address().port}`)
    this.#socket.send(text, this.#scenario.port, '127.0.0.1')
  }

  /** 300 requests within one second. */
  async flood(): Promise<void> {
    for (let i = 1; i <= 300; i++) {
      this.send()
      if (i % 10 > 0) continue
      await roundTrip(this.#alice, this.#scenario.port)
      await this.#scenario.clock.advance(33)
    }
  }
}

// Other systems have no loopback address but 127.0.0.1 without being told.
describe.skipIf(process.platform !== 'linux')('scenario 8: a flood', () => {
  it('is blocked and told of once, forgiven when it stops, and told of again when it comes back', async () => {
    const scenario = await startScenario(SLIDES)
    const alice = await SipUa.open('alice')
    const flooder = await Flooder.open(alice, scenario)
    await flooder.flood()
    const { answers } = flooder
    expect(answers).toBeGreaterThanOrEqual(30)
    expect(answers).toBeLessThanOrEqual(120)
    expect(scenario.logged(`PIKE - BLOCKing ip ${FLOODER}`)).toBe(1)
    await until(() => scenario.logged(`IP ${FLOODER} has been blocked`) === 1)
    expect(scenario.logged(`drop ${FLOODER}`)).toBe(300 - answers)
    expect(await scenario.mi('pike_list')).toEqual({ IPs: [FLOODER] })

    alice.request('OPTIONS', scenario.port)
    await alice.nextReply(200)

    await scenario.clock.advance(4000)
    expect(scenario.logged('PIKE - UNBLOCKing')).toBe(1)
    expect(await scenario.mi('pike_list')).toEqual({ IPs: [] })
    flooder.send()
    await until(() => flooder.answers === answers + 1)

    await flooder.flood()
    await until(() => scenario.logged(`IP ${FLOODER} has been blocked`) === 2)
  })

  it('is let through again by management, once', async () => {
    const scenario = await startScenario(SLIDES)
    const flooder = await Flooder.open(await SipUa.open('alice'), scenario)
    await flooder.flood()
    expect(await scenario.mi('pike_rm', { ip: FLOODER })).toBe('OK')
    await expect(scenario.mi('pike_rm', { ip: FLOODER })).rejects.toMatchObject({
      code: 400,
      message: 'IP not blocked',
    })
  })
})
