import { describe, expect, it } from 'vitest'
import { NonceCodec } from '../../../src/modules/auth/nonce.ts'
import { NonceIndex } from '../../../src/modules/auth/nonce-index.ts'
import { Nonces } from '../../../src/modules/auth/nonces.ts'
import { parseChallenge } from '../../../src/sip/digest/challenge.ts'
import { readCredentials } from '../../../src/sip/digest/credentials.ts'
import { passwordHash } from '../../../src/sip/digest/response.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { challengesOf, credentialsFor } from '../../support/digest-client.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { headerOf, headersOf, SipUa } from '../../support/sip-ua.ts'
import { isStale, lineOf, startGuarded } from './rig.ts'

const USER = `
modparam("auth", "username_spec", "$avp(user)")
modparam("auth", "password_spec", "$avp(password)")
`
const PLAIN = `${USER}modparam("auth", "calculate_ha1", 1)\n`

/** Lets bob in with his password, and says the code of the last function otherwise. */
const guard = (challenge = 'www_challenge("")', kind = 'www', then = '') => `
route {
    $avp(user) = "bob";
    $avp(password) = "secret2";
    pv_${kind}_authorize("");
    $var(code) = $rc;
    if ($var(code) > 0) { ${then} sl_send_reply(200, "OK"); exit; }
    append_to_reply("X-Code: $var(code)\\r\\n");
    if ($var(code) == -5) exit;
    ${challenge};
    xlog("still running\\n");
}`

describe('challenges', () => {
  it('www_challenge answers 401 with the host of To in a REGISTER, a nonce and nothing else, and ends the script', async () => {
    const { ask, log } = await startGuarded(guard(), PLAIN)
    const reply = await ask()
    expect(lineOf(reply)).toBe('401 Unauthorized')
    expect(headerOf(reply, 'WWW-Authenticate')).toMatch(/^Digest realm="127.0.0.1", nonce="[\w-]{44}"$/)
    expect(reply.toTag).not.toBe('')
    expect(log.join('')).not.toContain('still running')
  })

  it('proxy_challenge answers 407 with the host of From, less realm_prefix', async () => {
    const params = `${PLAIN}modparam("auth", "realm_prefix", "sip.")\n`
    const { ask } = await startGuarded(guard('proxy_challenge("")', 'proxy'), params)
    const reply = await ask('', { method: 'OPTIONS', from: 'sip:bob@sip.example.com' })
    expect(lineOf(reply)).toBe('407 Proxy Authentication Required')
    expect(headerOf(reply, 'Proxy-Authenticate')).toMatch(/^Digest realm="example.com", nonce=/)
  })

  it.each([
    ['"auth"', 'auth'],
    ['"auth-int"', 'auth-int'],
    ['"auth,auth-int"', 'auth,auth-int'],
    ['"1"', 'auth'],
    ['"0"', undefined],
    ['""', undefined],
  ])('qop %s is offered as %s', async (qop, offered) => {
    const { ask } = await startGuarded(guard(`www_challenge("r", ${qop})`), PLAIN)
    const value = headerOf(await ask(), 'WWW-Authenticate')
    expect(/qop="([^"]*)"/.exec(value)?.[1]).toBe(offered)
    expect(value).toContain('realm="r"')
  })

  it('one header an algorithm, the strongest first (RFC 8760 §2.4), each with its own nonce', async () => {
    const { ask } = await startGuarded(guard('www_challenge("", "auth", "MD5,SHA-512-256,SHA-256")'), PLAIN)
    const challenges = challengesOf(await ask())
    expect(challenges.map(({ algorithm }) => algorithm)).toEqual(['SHA-512-256', 'SHA-256', 'MD5'])
    expect(new Set(challenges.map(({ nonce }) => nonce)).size).toBe(3)
  })

  it.each([
    ['www_challenge("", "auth-conf")', 'expected auth'],
    ['www_challenge("", "auth", "SHA-3")', 'digest algorithms'],
    ['pv_www_authorize("")', 'username_spec'],
  ])('%s is an error at load', async (call, message) => {
    const script = `loadmodule "sl.so"\nloadmodule "auth.so"\nroute { ${call}; }`
    await expect(startProxy(script)).rejects.toThrow(message)
  })

  it('an ACK or CANCEL is authorised and never challenged', async () => {
    const { ask } = await startGuarded(guard(), PLAIN)
    expect((await ask('', { method: 'CANCEL' })).status).toBe(200)
  })
})

describe('pv_www_authorize', () => {
  it.each(['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess', 'SHA-512-256', 'SHA-512-256-sess'])(
    'lets right credentials by %s in, with each qop and without',
    async algorithm => {
      for (const qop of ['', 'auth', 'auth-int']) {
        const { login } = await startGuarded(guard(`www_challenge("", "${qop}", "${algorithm}")`), PLAIN)
        const body = 'v=0\r\n'
        expect(lineOf(await login({ body }, { body }))).toBe('200 OK')
        expect((await login({ body: `${body}x` }, { body })).status).toBe(qop === 'auth-int' ? 401 : 200)
      }
    },
  )

  it('takes the hash of the password without calculate_ha1, in either case, and no empty one', async () => {
    const right = passwordHash('MD5', 'bob', '127.0.0.1', 'secret2')
    for (const [hash, status] of [
      [right, 200],
      [right.toUpperCase(), 200],
      [' ', 401],
      ['0'.repeat(64), 401],
    ] as const) {
      const { login } = await startGuarded(guard().replace('secret2', hash), USER)
      expect((await login()).status).toBe(status)
    }
  })

  it('gives −1 for another user, −2 for a wrong password, −4 without credentials, and the same challenge for all', async () => {
    const { ask, login } = await startGuarded(guard(), PLAIN)
    const none = await ask()
    const unknown = await login({ username: 'carol' })
    const wrong = await login({ password: 'wrong' })
    expect([none, unknown, wrong].map(reply => headerOf(reply, 'X-Code'))).toEqual(['-4', '-1', '-2'])
    const shape = (value: string) => value.replace(/nonce="[^"]*"/, 'nonce')
    const shapes = [none, unknown, wrong].map(reply => shape(headerOf(reply, 'WWW-Authenticate')))
    expect(new Set(shapes).size).toBe(1)
  })

  it('a nonce is used up by a wrong password too, and the second use is stale', async () => {
    const { ask } = await startGuarded(guard(), PLAIN)
    const challenge = await ask()
    const wrong = await ask(`Authorization: ${credentialsFor(challenge, { password: 'wrong' })}\r\n`)
    expect([wrong.status, isStale(wrong)]).toEqual([401, false])
    const again = await ask(`Authorization: ${credentialsFor(challenge)}\r\n`)
    expect([again.status, isStale(again), headerOf(again, 'X-Code')]).toEqual([401, true, '-3'])
  })

  it('only one of the nonces of a challenge with several algorithms can be used', async () => {
    const { ask } = await startGuarded(guard('www_challenge("", "", "MD5,SHA-256")'), PLAIN)
    const [strong, weak] = challengesOf(await ask())
    expect((await ask(`Authorization: ${credentialsFor(strong!)}\r\n`)).status).toBe(200)
    expect(isStale(await ask(`Authorization: ${credentialsFor(weak!)}\r\n`))).toBe(true)
  })

  it('a nonce is stale after nonce_expire, and good until then', async () => {
    const { ask, clock } = await startGuarded(guard(), `${PLAIN}modparam("auth", "nonce_expire", 10)\n`)
    const [first, second] = [await ask(), await ask()]
    await clock.advance(9_900)
    expect((await ask(`Authorization: ${credentialsFor(first)}\r\n`)).status).toBe(200)
    await clock.advance(200)
    expect(isStale(await ask(`Authorization: ${credentialsFor(second)}\r\n`))).toBe(true)
  })

  it('a forged nonce, another algorithm and another qop than offered are stale', async () => {
    const { ask } = await startGuarded(guard('www_challenge("", "auth", "SHA-256")'), PLAIN)
    const spoilt = [
      { nonce: 'A'.repeat(44) },
      { nonce: 'x' },
      { algorithmText: null },
      { algorithmText: 'MD5' },
      { algorithmText: 'SHA-3' },
      { qop: 'auth-int' as const },
    ]
    for (const changes of spoilt) {
      const reply = await ask(`Authorization: ${credentialsFor(await ask(), {}, changes)}\r\n`)
      expect([reply.status, isStale(reply)]).toEqual([401, true])
    }
  })

  it('credentials without qop on a nonce that offers auth are taken for auth; on one for auth-int alone they are not', async () => {
    for (const [qop, status] of [
      ['auth', 200],
      ['auth,auth-int', 200],
      ['auth-int', 401],
    ] as const) {
      const { ask } = await startGuarded(guard(`www_challenge("", "${qop}")`), PLAIN)
      const [challenge] = challengesOf(await ask())
      const header = credentialsFor({ ...challenge!, qops: [], hasQop: false })
      expect((await ask(`Authorization: ${header}\r\n`)).status).toBe(status)
    }
  })

  it('with disable_nonce_check a nonce can be used again, also on another proxy with the secret', async () => {
    const params = `${PLAIN}modparam("auth", "disable_nonce_check", 1)\nmodparam("auth", "secret", "${'s'.repeat(32)}")\n`
    const [one, other] = [await startGuarded(guard(), params), await startGuarded(guard(), params)]
    const header = `Authorization: ${credentialsFor(await one.ask())}\r\n`
    expect((await one.ask(header)).status).toBe(200)
    expect((await one.ask(header)).status).toBe(200)
    expect((await other.ask(header)).status).toBe(200)
  })

  it('a nonce of another proxy is stale: with the secret since it was not given out here, without it as forged', async () => {
    for (const secret of ['', `modparam("auth", "secret", "${'s'.repeat(32)}")\n`]) {
      const [one, other] = [await startGuarded(guard(), PLAIN + secret), await startGuarded(guard(), PLAIN + secret)]
      await other.ask()
      expect(isStale(await other.ask(`Authorization: ${credentialsFor(await one.ask())}\r\n`))).toBe(true)
    }
  })

  it('malformed credentials for the realm, or for none, get 400; the script goes on with −5', async () => {
    const { ask } = await startGuarded(guard(), PLAIN)
    const right = credentialsFor(await ask())
    const bad = [
      right.replace(/, response="[^"]*"/, ''),
      right.replace(/"$/, ''),
      `${right}, bare`,
      'Digest',
      'Digest username=bob',
      `${right}, qop=auth, nc=99999999999999999999, cnonce="c"`,
    ]
    for (const header of bad) expect((await ask(`Authorization: ${header}\r\n`)).status).toBe(400)
    expect((await ask(`Authorization: ${right}\r\n`)).status).toBe(200)
  })

  it('other schemes and other realms are passed over, malformed or not', async () => {
    const { ask } = await startGuarded(guard(), PLAIN)
    const others = 'Authorization: NoOneKnowsThisScheme opaque-data=here\r\nAuthorization: Digest realm="other"\r\n'
    expect((await ask(others)).status).toBe(401)
    const upper = challengesOf(await ask()).map(challenge => ({ ...challenge, realm: 'LOCALHOST' }))
    expect(headerOf(await ask(`Authorization: ${credentialsFor(upper[0]!)}\r\n`), 'X-Code')).toBe('-4')
    expect((await ask(`${others}Authorization: ${credentialsFor(await ask())}\r\n`)).status).toBe(200)
  })

  it('pv_proxy_authorize reads Proxy-Authorization alone', async () => {
    const { ask, login } = await startGuarded(guard('proxy_challenge("")', 'proxy'), PLAIN)
    expect((await login({ method: 'MESSAGE' })).status).toBe(200)
    const challenged = await ask('', { method: 'MESSAGE' })
    const header = credentialsFor(challenged, { method: 'MESSAGE' })
    expect((await ask(`Authorization: ${header}\r\n`, { method: 'MESSAGE' })).status).toBe(407)
  })
})

describe('NonceIndex', () => {
  it('gives out as many as there is room for, and more when the oldest have expired', () => {
    const index = new NonceIndex(3, 1000)
    expect([index.take(0), index.take(10), index.take(20), index.take(30)]).toEqual([0, 1, 2, null])
    expect(index.use(1)).toBe(true)
    expect(index.take(999)).toBeNull()
    expect([index.take(1000), index.take(1005)]).toEqual([3, null])
  })

  it('lets each be used once, and not after its place went to another', () => {
    const index = new NonceIndex(2, 1000)
    const old = index.take(0)!
    expect([index.use(old), index.use(old)]).toEqual([true, false])
    const left = index.take(0)!
    expect(index.take(1000)).toBe(2)
    expect(index.take(1000)).toBe(3)
    expect([index.use(left), index.use(2), index.use(3), index.use(4)]).toEqual([false, true, true, false])
  })
})

describe('Nonces', () => {
  it('are refused while too many are alive, and given out again when these have expired', async () => {
    const clock = new VirtualClock()
    const nonces = new Nonces({ clock, secret: undefined, lifetimeMs: 1000, isOnce: true, capacity: 2 })
    const issued = () => nonces.issue() !== null
    expect([issued(), issued(), issued()]).toEqual([true, true, false])
    await clock.advance(1000)
    expect(issued()).toBe(true)
  })

  it('of a request that is repeated while its user is looked for are used once, by the first of the two', () => {
    const nonces = new Nonces({ clock: new VirtualClock(), secret: undefined, lifetimeMs: 1000, isOnce: true })
    const nonce = nonces.issue()?.nonce('MD5', []) ?? ''
    const read = readCredentials(`Digest username="a", realm="r", uri="sip:a", response="0", nonce="${nonce}"`)
    const find = () => (read.kind === 'digest' ? nonces.find(read.credentials) : null)
    const [first, second] = [find(), find()]
    expect([first?.(), second?.(), find()]).toEqual([true, false, null])
  })

  it('cannot be changed without being noticed', () => {
    const codec = new NonceCodec(Buffer.from('secret'))
    const content = { expiresMs: 5, instance: 1, serial: 2, algorithm: 'SHA-256', qops: ['auth-int'] } as const
    const nonce = codec.encode(content)
    expect(codec.decode(nonce)).toEqual(content)
    for (let i = 0; i < nonce.length; i++) {
      const other = nonce[i] === 'A' ? 'B' : 'A'
      expect(codec.decode(nonce.slice(0, i) + other + nonce.slice(i + 1))).toBeNull()
    }
    expect([codec.decode(`${nonce} `), codec.decode(`${nonce}=`), codec.decode('')]).toEqual([null, null, null])
    expect(new NonceCodec(Buffer.from('other')).decode(nonce)).toBeNull()
  })
})

describe('a call', () => {
  it('is challenged through its transaction, and goes on with credentials, which stay behind', async () => {
    const bob = await SipUa.open('bob')
    const script = `
route {
    if (is_method("ACK|CANCEL") && t_check_trans()) { t_relay(); exit; }
    $avp(user) = "alice";
    $avp(password) = "secret2";
    t_newtran();
    pv_proxy_authorize("r");
    if ($rc < 0) { proxy_challenge("r", "auth"); exit; }
    consume_credentials();
    $du = "sip:127.0.0.1:${bob.port}";
    t_relay();
}`
    const { port, log } = await startGuarded(script, `loadmodule "tm.so"\n${PLAIN}`)
    const alice = await SipUa.open('alice')
    const first = alice.request('INVITE', port)
    const challenge = await alice.nextReply(407)
    alice.ack(first, challenge, port)
    const header = credentialsFor(challenge, { username: 'alice', method: 'INVITE', uri: 'sip:bob@127.0.0.1' })
    const call = { callId: first.callId, fromTag: first.fromTag, cseq: 2 }
    const second = alice.request('INVITE', port, { ...call, headers: `Proxy-Authorization: ${header}\r\n` })
    const received = await bob.nextRequest('INVITE')
    expect(headersOf(received, 'Proxy-Authorization')).toEqual([])
    bob.reply(received, 180, 'Ringing')
    await alice.nextReply(180)
    alice.cancel(second, port)
    await alice.nextReply(200, 'CANCEL')
    bob.reply(await bob.nextRequest('CANCEL'), 200, 'OK')
    bob.reply(received, 487, 'Request Terminated')
    await alice.nextReply(487)
    expect(log.filter(line => /ERROR/.test(line))).toEqual([])
  })
})

describe('consume_credentials', () => {
  it('removes the credentials that were accepted and no others', async () => {
    const then = 'if (!consume_credentials()) xlog("nothing consumed\\n"); forward("127.0.0.1:@TO@"); exit;'
    const script = guard('proxy_challenge("")', 'proxy', then)
    const target = await SipUa.open('target')
    const { ask, ua, port } = await startGuarded(script.replace('@TO@', String(target.port)), PLAIN)
    const header = credentialsFor(await ask('', { method: 'MESSAGE' }), { method: 'MESSAGE' })
    const others = 'Authorization: Digest realm="other"\r\nProxy-Authorization: Digest realm="other"\r\n'
    ua.request('MESSAGE', port, { headers: `${others}Proxy-Authorization: ${header}\r\n` })
    const received = await target.nextRequest('MESSAGE')
    expect(headersOf(received, 'Proxy-Authorization')).toEqual(['Digest realm="other"'])
    expect(headersOf(received, 'Authorization')).toEqual(['Digest realm="other"'])
  })

  it('gives −1 where none were accepted', async () => {
    const { ask } = await startGuarded('route { consume_credentials(); sl_send_reply(299, "$rc"); }')
    expect(lineOf(await ask())).toBe('299 -1')
  })
})

describe('Remote-Party-ID', () => {
  it.each([
    ['+4930123', 1],
    ['sip:+4930123@example.com', 1],
    ['"x" <sip:+4930123@example.com>', 1],
    ['4930123', -1],
    ['sip:bob@example.com', -1],
    ['+', -1],
    ['+1234567890123456', -1],
    ['', -1],
  ])('is_rpid_user_e164 of %s is %i', async (rpid, expected) => {
    const { ask } = await startGuarded(
      `route { $avp(rpid) = '${rpid}'; is_rpid_user_e164(); sl_send_reply(299, "$rc"); }`,
    )
    expect(lineOf(await ask())).toBe(`299 ${expected}`)
  })

  it('append_rpid_hf adds the header, with the prefix and suffix of the parameters or of the call', async () => {
    const target = await SipUa.open('target')
    const { ua, port } = await startGuarded(
      `route {
        if (append_rpid_hf()) xlog("without a value\\n");
        $avp(rpid) = "<sip:+1@a>";
        append_rpid_hf();
        append_rpid_hf("(", ")");
        forward("127.0.0.1:${target.port}");
      }`,
    )
    ua.request('MESSAGE', port)
    expect(headersOf(await target.nextRequest('MESSAGE'), 'Remote-Party-ID')).toEqual([
      '<sip:+1@a>;party=calling;id-type=subscriber;screen=yes',
      '(<sip:+1@a>)',
    ])
  })
})

describe('a realm', () => {
  it('with quotes arrives escaped and is found again', async () => {
    const realm = `'a "b"'`
    const script = guard(`www_challenge(${realm})`).replace('pv_www_authorize("")', `pv_www_authorize(${realm})`)
    const { ask, login } = await startGuarded(script, PLAIN)
    expect(parseChallenge(headerOf(await ask(), 'WWW-Authenticate'))?.realm).toBe('a \\"b\\"')
    expect((await login()).status).toBe(200)
  })
})
