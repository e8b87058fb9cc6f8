import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { readCredentials } from '../../../src/sip/digest/credentials.ts'
import { digestResponse, passwordHash } from '../../../src/sip/digest/response.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'

const HEADER =
  'id(int,auto) registrar(string) proxy(string,null) aor(string) third_party_registrant(string,null) username(string,null) ' +
  'password(string,null) binding_URI(string) binding_params(string,null) expiry(int,null) forced_socket(string,null) ' +
  'cluster_shtag(string,null) state(int)\n'

interface Row {
  readonly aor?: string
  readonly binding?: string
  readonly params?: string
  readonly expiry?: number
  readonly state?: number
  readonly third?: string
  readonly proxy?: string
}

async function registrantRig(rows: readonly Row[], params = '') {
  const registrar = await SipUa.open('registrar')
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-registrant-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const uri = `sip:127.0.0.1:${registrar.port}`
  const write = (list: readonly Row[]) => {
    const lines = list.map((row, i) =>
      [
        i + 1,
        uri,
        row.proxy ?? '',
        row.aor ?? 'sip:alice@home.example',
        row.third ?? '',
        'alice',
        'secret',
        row.binding ?? 'sip:alice@10.0.0.1',
        row.params ?? '',
        row.expiry ?? 600,
        '',
        '',
        row.state ?? 0,
      ]
        .map(value => String(value).replace(/[\\:]/g, '\\$&'))
        .join(':'),
    )
    writeFileSync(join(folder, 'registrant'), `${HEADER}${lines.join('\n')}\n`)
  }
  write(rows)
  const clock = new VirtualClock()
  const events: string[] = []
  const started = await startProxy(
    `
loadmodule "tm.so"
loadmodule "db_text.so"
loadmodule "uac_auth.so"
loadmodule "uac_registrant.so"
modparam("tm", "fr_timeout", 5)
modparam("uac_registrant", "db_url", "text://${folder}")
${params}
route { exit; }`,
    { clock },
  )
  onTestFinished(async () => {
    await started.proxy.stop(AbortSignal.abort())
    await started.stop()
  })
  const { host } = started.proxy
  host.bus.tail(event => {
    if (event.name.startsWith('E_REGISTRANT_')) events.push(event.name.replace('E_REGISTRANT_', ''))
  })
  const until = async (isSo: () => boolean) => {
    const deadlineMs = performance.now() + 10_000
    while (!isSo()) {
      if (performance.now() > deadlineMs) throw new Error(`in vain; events: ${events.join(' ')}`)
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  const mi = (command: string, args?: unknown) => host.mi.call(command, args ?? {})
  return { registrar, uri, clock, events, mi, until, write }
}
type Rig = Awaited<ReturnType<typeof registrantRig>>

const grant = ({ registrar }: Rig, request: SipMessage, expires = 600) =>
  registrar.reply(request, 200, 'OK', { headers: `Expires: ${expires}\r\n` })
const challenge = ({ registrar }: Rig, request: SipMessage, more = '') =>
  registrar.reply(request, 401, 'Unauthorized', {
    headers: `WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"${more}\r\n`,
  })

describe('a registration', () => {
  it('is sent at the start, answers a challenge, and is told of', async () => {
    const rig = await registrantRig([{ params: 'q=0.5' }])
    const first = await rig.registrar.nextRequest('REGISTER')
    expect(first.requestUri).toBe(rig.uri)
    expect(headerOf(first, 'To')).toBe('<sip:alice@home.example>')
    expect(headerOf(first, 'Contact')).toBe('<sip:alice@10.0.0.1>;q=0.5')
    expect(headerOf(first, 'Expires')).toBe('600')
    challenge(rig, first)
    const second = await rig.registrar.nextRequest('REGISTER')
    expect([second.callId, second.fromTag, second.cseq]).toEqual([first.callId, first.fromTag, first.cseq + 1])
    const reading = readCredentials(headerOf(second, 'Authorization'))
    const credentials = reading.kind === 'digest' ? reading.credentials : null
    expect(credentials?.response).toBe(
      digestResponse({
        ...credentials!,
        algorithm: 'MD5',
        ha1: passwordHash('MD5', 'alice', 'r', 'secret'),
        method: 'REGISTER',
        body: '',
      }),
    )
    grant(rig, second)
    await rig.until(() => rig.events.includes('REGISTERED'))
    expect(rig.events.slice(-2)).toEqual(['AUTHENTICATING', 'REGISTERED'])
    expect(await rig.mi('reg_list')).toMatchObject({
      Records: [{ AOR: 'sip:alice@home.example', state: 'REGISTERED_STATE', registrar: rig.uri, expires: 600 }],
    })
  })

  it('is refreshed before it ends, by what the registrar granted', async () => {
    const rig = await registrantRig([{}], 'modparam("uac_registrant", "timer_interval", 10)')
    grant(rig, await rig.registrar.nextRequest('REGISTER'), 100)
    await rig.until(() => rig.events.includes('REGISTERED'))
    await rig.clock.advance(85_000)
    expect(rig.registrar.count({ method: 'REGISTER' })).toBe(1)
    await rig.clock.advance(10_000)
    const again = await rig.registrar.nextRequest('REGISTER')
    expect(again.cseq).toBe(2)
    grant(rig, again, 100)
  })

  it('takes the expiry that a 423 asks for', async () => {
    const rig = await registrantRig([{ expiry: 60 }])
    rig.registrar.reply(await rig.registrar.nextRequest('REGISTER'), 423, 'Too Brief', {
      headers: 'Min-Expires: 900\r\n',
    })
    const again = await rig.registrar.nextRequest('REGISTER')
    expect(headerOf(again, 'Expires')).toBe('900')
    grant(rig, again, 900)
    await rig.until(() => rig.events.includes('REGISTERED'))
  })

  it('says what failed, and is tried again later', async () => {
    const rig = await registrantRig(
      [{}],
      'modparam("uac_registrant", "timer_interval", 10)\nmodparam("uac_registrant", "failure_retry_interval", 60)',
    )
    challenge(rig, await rig.registrar.nextRequest('REGISTER'))
    challenge(rig, await rig.registrar.nextRequest('REGISTER'))
    await rig.until(() => rig.events.includes('WRONG_CREDENTIALS'))
    await rig.clock.advance(50_000)
    expect(rig.registrar.count({ method: 'REGISTER' })).toBe(2)
    await rig.clock.advance(10_000)
    rig.registrar.reply(await rig.registrar.nextRequest('REGISTER'), 403, 'No')
    await rig.until(() => rig.events.includes('REGISTRAR_ERROR'))
    await rig.clock.advance(60_000)
    await rig.registrar.nextRequest('REGISTER')
    await rig.clock.advance(6_000)
    await rig.until(() => rig.events.includes('REGISTER_TIMEOUT'))
  })

  it('that cannot be sent is an internal error', async () => {
    const rig = await registrantRig([{ proxy: 'sip:127.0.0.1:5060;transport=tls' }])
    // It fails at once, before the events can be listened to.
    expect(await rig.mi('reg_list')).toMatchObject({ Records: [{ state: 'INTERNAL_ERROR_STATE' }] })
  })

  it('may be made for somebody else', async () => {
    const rig = await registrantRig([{ third: 'sip:boss@home.example' }])
    const request = await rig.registrar.nextRequest('REGISTER')
    expect(headerOf(request, 'From')).toMatch(/^<sip:boss@home\.example>;tag=/)
    expect(headerOf(request, 'To')).toBe('<sip:alice@home.example>')
  })
})

describe('management', () => {
  it('takes a registration back and makes it again', async () => {
    const rig = await registrantRig([{}])
    grant(rig, await rig.registrar.nextRequest('REGISTER'))
    await rig.until(() => rig.events.includes('REGISTERED'))
    const record = { aor: 'sip:alice@home.example', contact: 'sip:alice@10.0.0.1', registrar: rig.uri }
    expect(await rig.mi('reg_disable', record)).toBe('OK')
    const gone = await rig.registrar.nextRequest('REGISTER')
    expect(headerOf(gone, 'Expires')).toBe('0')
    challenge(rig, gone)
    grant(rig, await rig.registrar.nextRequest('REGISTER'), 0)
    await rig.until(() => rig.events.includes('AUTHENTICATING_UNREGISTER'))
    expect(rig.events).toContain('UNREGISTERING')
    expect(await rig.mi('reg_enable', record)).toBe('OK')
    const back = await rig.registrar.nextRequest('REGISTER')
    expect(headerOf(back, 'Expires')).toBe('600')
    grant(rig, back)
    await rig.until(() => rig.events.at(-1) === 'REGISTERED')
    expect(await rig.mi('reg_force_register', record)).toBe('OK')
    grant(rig, await rig.registrar.nextRequest('REGISTER'))
    await expect(rig.mi('reg_enable', { ...record, aor: 'sip:x@y' })).rejects.toMatchObject({ code: 404 })
  })

  it('reloads: new ones are registered, old ones stay as they are, those that are gone are taken back', async () => {
    const [one, two, three] = ['sip:1@10.0.0.1', 'sip:2@10.0.0.1', 'sip:3@10.0.0.1'].map(binding => ({ binding }))
    const rig = await registrantRig([one!, two!, { binding: 'sip:off@10.0.0.1', state: 1 }])
    for (let i = 0; i < 2; i++) grant(rig, await rig.registrar.nextRequest('REGISTER'))
    await rig.until(() => rig.events.filter(name => name === 'REGISTERED').length === 2)
    rig.write([two!, three!])
    await rig.mi('dbt_reload')
    expect(await rig.mi('reg_reload')).toBe('OK')
    const after = [await rig.registrar.nextRequest('REGISTER'), await rig.registrar.nextRequest('REGISTER')]
    expect(after.map(request => [headerOf(request, 'Contact'), headerOf(request, 'Expires')])).toEqual([
      ['<sip:1@10.0.0.1>', '0'],
      ['<sip:3@10.0.0.1>', '600'],
    ])
  })

  it('leaves rows out that cannot be used', async () => {
    const rig = await registrantRig([{ binding: 'nonsense' }, { aor: 'sip:ok@home.example' }])
    expect(headerOf(await rig.registrar.nextRequest('REGISTER'), 'To')).toBe('<sip:ok@home.example>')
    expect(((await rig.mi('reg_list')) as { Records: unknown[] }).Records).toHaveLength(1)
  })
})
