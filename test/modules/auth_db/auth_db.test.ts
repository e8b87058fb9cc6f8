import { describe, expect, it, onTestFinished } from 'vitest'
import { SUBSCRIBER_TABLE, URI_TABLE } from '../../../src/modules/auth_db/tables.ts'
import { answerChallenge, formatCredentials } from '../../../src/sip/digest/credentials.ts'
import { type HashName, passwordHash } from '../../../src/sip/digest/response.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { challengesOf, credentialsFor, type Login } from '../../support/digest-client.ts'
import { DATABASES, filledDatabase } from '../../support/filled-database.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { headerOf, type RequestOptions, SipUa } from '../../support/sip-ua.ts'
import { modparams } from '../../support/table-proxy.ts'

const REALM = '127.0.0.1'
const hash = (name: HashName, user = 'bob') => passwordHash(name, user, REALM, 'secret2')
const USERS = [
  {
    username: 'bob',
    domain: REALM,
    password: 'secret2',
    ha1: hash('MD5'),
    ha1_sha256: hash('SHA-256'),
    ha1_sha512t256: hash('SHA-512-256'),
  },
  { username: 'alice', domain: REALM, password: 'secret', ha1: passwordHash('MD5', 'alice', REALM, 'secret') },
  { username: 'empty', domain: REALM },
  { username: 'other', domain: 'other.example', password: 'secret2', ha1: hash('MD5', 'other') },
]
const URIS = [
  { username: 'bob', domain: REALM, uri_user: 'robert' },
  { username: 'bob', domain: REALM, uri_user: 'bob' },
  { username: 'alice', domain: 'else.example', uri_user: 'alice' },
]

interface ServerOptions {
  readonly params?: Readonly<Record<string, string | number>>
  /** Runs once the credentials are right. */
  readonly onRight?: string
  readonly challenge?: string
  readonly global?: string
  readonly authorize?: string
}

/** Database and proxy; `@URL@` stands for the URL. */
async function startServer(kind: (typeof DATABASES)[number], options: ServerOptions = {}) {
  const database = await filledDatabase(kind, [
    [SUBSCRIBER_TABLE, USERS],
    [URI_TABLE, URIS],
  ])
  const server = await startOn(database, options)
  return { ...server, database }
}

async function startOn(
  { url, loadmodule }: { readonly url: string; readonly loadmodule: string },
  {
    params = {},
    onRight = '',
    challenge = 'www_challenge("")',
    global = '',
    authorize = 'www_authorize("", "subscriber")',
  }: ServerOptions,
) {
  const started = await startProxy(
    `${global}\nloadmodule "sl.so"\n${loadmodule}loadmodule "sipmsgops.so"\nloadmodule "auth.so"\nloadmodule "auth_db.so"
    ${modparams('auth_db', { db_url: url, ...params })}
    route {
      ${authorize};
      $var(code) = $rc;
      if ($var(code) > 0) { ${onRight}; $var(right) = $rc; sl_send_reply(200, "$var(right) $avp(rpid) $avp(x)"); exit; }
      if ($var(code) == -5) exit;
      append_to_reply("X-Code: $var(code)\\r\\n");
      ${challenge};
    }`,
    { clock: new VirtualClock() },
  )
  onTestFinished(async () => {
    await started.proxy.stop(AbortSignal.abort())
    await started.stop()
  })
  const ua = await SipUa.open('bob')
  let cseq = 1
  const ask = async (headers = '', options: RequestOptions & { readonly from?: string } = {}) => {
    const text = ua.makeRequest('REGISTER', { uri: 'sip:127.0.0.1', cseq: cseq++, ...options, headers })
    const before = ua.received.length
    ua.send(
      options.from === undefined ? text : text.replace(/^From: <[^>]*>/m, `From: <${options.from}>`),
      started.port,
    )
    while (ua.received.length === before) await new Promise(resolve => setImmediate(resolve))
    return ua.received[before]!
  }
  const login = async (given: Login = {}, options: RequestOptions & { readonly from?: string } = {}) =>
    ask(`Authorization: ${credentialsFor(await ask(), given)}\r\n`, options)
  return { ...started, ask, login }
}

describe.each(DATABASES)('users in %s', kind => {
  it.each(['MD5', 'MD5-sess', 'SHA-256', 'SHA-512-256'])('are let in by their stored hash for %s', async algorithm => {
    const { login } = await startServer(kind, { challenge: `www_challenge("", "auth", "${algorithm}")` })
    expect((await login()).status).toBe(200)
    expect(headerOf(await login({ password: 'wrong' }), 'X-Code')).toBe('-2')
  })

  it('are let in by their password with calculate_ha1', async () => {
    const params = { calculate_ha1: 1, password_column: 'password' }
    const { login } = await startServer(kind, { params, challenge: 'www_challenge("", "auth", "SHA-256")' })
    expect((await login()).status).toBe(200)
    expect((await login({ password: 'wrong' })).status).toBe(401)
  })

  it('who do not exist get −1 and the same answer as for a wrong password', async () => {
    const { login } = await startServer(kind)
    const [unknown, wrong] = [await login({ username: 'nobody' }), await login({ password: 'wrong' })]
    expect([headerOf(unknown, 'X-Code'), headerOf(wrong, 'X-Code')]).toEqual(['-1', '-2'])
    const shape = (text: string) =>
      text.replace(/nonce="[^"]*"/, '').replace(/X-Code.*|CSeq.*|Call-ID.*|.*tag=.*|Via.*/g, '')
    expect(shape(unknown.bytes.toString())).toBe(shape(wrong.bytes.toString()))
  })

  it('whose hash is empty are not let in by an empty hash', async () => {
    const { ask } = await startServer(kind)
    const [challenge] = challengesOf(await ask())
    const empty = {
      username: 'empty',
      secret: { ha1: '' },
      method: 'REGISTER',
      uri: 'sip:x',
      body: '',
      cnonce: 'c',
      count: 1,
    }
    const header = formatCredentials(answerChallenge(challenge!, empty)!)
    expect(headerOf(await ask(`Authorization: ${header}\r\n`), 'X-Code')).toBe('-2')
  })

  it('are told apart by domain: of the user name, else the realm; with use_domain 0 by user alone', async () => {
    const apart = await startServer(kind)
    expect(headerOf(await apart.login({ username: 'other' }), 'X-Code')).toBe('-1')
    const alone = await startServer(kind, { params: { use_domain: 0 } })
    expect((await alone.login({ username: 'other' })).status).toBe(200)
    const plain = await startServer(kind, { params: { calculate_ha1: 1, password_column: 'password' } })
    expect((await plain.login({ username: 'other@other.example' })).status).toBe(200)
    expect((await plain.login({ username: 'bob@other.example' })).status).toBe(401)
  })

  it('give their columns to AVPs, integers as integers, once they are let in', async () => {
    const load = { load_credentials: '$avp(x)=password;id;$avp(rpid)=username' }
    const { login } = await startServer(kind, { params: load, onRight: '$avp(y) = $avp(id) + 1' })
    expect((await login()).reason).toBe('1 bob secret2')
    const { login: empty } = await startServer(kind, {
      params: { load_credentials: '$avp(x)=ha1_sha256', calculate_ha1: 1, password_column: 'password' },
    })
    expect((await empty({ username: 'alice', password: 'secret' })).reason).toBe('1 <null> <null>')
  })

  it('proxy_authorize reads Proxy-Authorization', async () => {
    const { ask } = await startServer(kind, {
      authorize: 'proxy_authorize("realm", "subscriber")',
      challenge: 'proxy_challenge("realm")',
      params: { calculate_ha1: 1, password_column: 'password', use_domain: 0 },
    })
    const challenged = await ask()
    expect(challenged.status).toBe(407)
    expect((await ask(`Proxy-Authorization: ${credentialsFor(challenged)}\r\n`)).status).toBe(200)
  })

  it.each([
    ['db_is_to_authorized("uri")', { to: 'sip:robert@127.0.0.1' }, 1],
    ['db_is_to_authorized("uri")', { to: 'sip:bob@127.0.0.1' }, 1],
    ['db_is_to_authorized("uri")', { to: 'sip:alice@127.0.0.1' }, -1],
    ['db_is_to_authorized("uri")', { to: 'sip:127.0.0.1' }, -1],
    ['db_is_from_authorized("uri")', { from: 'sip:robert@127.0.0.1' }, 1],
    ['db_is_from_authorized("uri")', { from: 'sip:eve@127.0.0.1' }, -1],
    ['db_is_from_authorized("subscriber")', { from: 'sip:bob@127.0.0.1' }, 1],
    ['db_is_from_authorized("subscriber")', { from: 'sip:alice@127.0.0.1' }, -1],
    ['db_does_uri_exist("sip:robert@127.0.0.1", "uri")', {}, 1],
    ['db_does_uri_exist("sip:alice@127.0.0.1", "uri")', {}, -1],
    ['db_does_uri_exist("sip:alice@127.0.0.1", "subscriber")', {}, 1],
    ['db_does_uri_exist("nonsense", "subscriber")', {}, -1],
    ['db_get_auth_id("uri", "sip:robert@127.0.0.1", $avp(rpid), $avp(x))', {}, 1],
    ['db_get_auth_id("subscriber", "sip:alice@127.0.0.1", $avp(rpid), $avp(x))', {}, 1],
    ['db_get_auth_id("uri", "sip:nobody@127.0.0.1", $avp(rpid), $avp(x))', {}, -1],
  ])('%s with %j gives %i', async (call, options, code) => {
    const { login } = await startServer(kind, { onRight: call })
    const reply = await login({}, options)
    const owner =
      code < 0 || !call.startsWith('db_get') ? '<null> <null>' : `${call.includes('alice') ? 'alice' : 'bob'} 127.0.0.1`
    expect(reply.reason).toBe(`${code} ${owner}`)
  })

  it('without accepted credentials nobody is authorised', async () => {
    const { ask } = await startServer(kind, { authorize: 'db_is_to_authorized("uri")' })
    expect(headerOf(await ask('', { to: 'sip:bob@127.0.0.1' }), 'X-Code')).toBe('-1')
  })
})

describe('scripts of 2.x', () => {
  const table = (rows: string) => ({
    version: 'table_name(string) table_version(int)\nsubscriber:7\n',
    subscriber: `username(string) domain(string) ha1(string,null) ha1b(string,null) rpid(string,null)\n${rows}`,
  })
  const start = async (tables: Readonly<Record<string, string>>, options: ServerOptions = {}) => {
    const database = await filledDatabase('text', [])
    for (const [name, text] of Object.entries(tables)) database.write(name, text)
    return startOn(database, { global: 'era=2.4', ...options })
  }

  it('find users by name alone, take ha1b where the user name has a domain, and load rpid', async () => {
    const ha1b = passwordHash('MD5', `bob@${REALM}`, REALM, 'secret2')
    const { login } = await start(table(`bob:elsewhere:${hash('MD5')}:${ha1b}:+123\n`))
    expect((await login()).reason).toBe('1 +123 <null>')
    expect((await login({ username: `bob@${REALM}` })).status).toBe(200)
  })

  it('do without rpid where the table has none, but not without a column that load_credentials names', async () => {
    const { version } = table('')
    const subscriber = `username(string) ha1(string,null)\nbob:${hash('MD5')}\n`
    const { login } = await start({ version, subscriber })
    expect((await login()).status).toBe(200)
    const load = start({ version, subscriber }, { params: { load_credentials: 'rpid' } })
    await expect(load).rejects.toThrow('no column rpid')
  })
})

describe('a database that fails', () => {
  it('gives 500 and −5, and nothing of the user in the answer', async () => {
    const challenge = 'www_challenge("", "auth", "MD5,SHA-256")'
    const { ask, log } = await startServer('text', { challenge, params: { hash_column_sha256: 'not_there' } })
    const [strong] = challengesOf(await ask())
    const reply = await ask(`Authorization: ${credentialsFor(strong!)}\r\n`)
    expect([reply.status, reply.reason]).toEqual([500, 'Server Internal Error'])
    expect(log.join('')).toContain('not_there')
  })

  it('stops the start: no URL, no table, another version, unless skip_version_check', async () => {
    const script =
      'loadmodule "sl.so"\nloadmodule "auth.so"\nloadmodule "auth_db.so"\nroute { www_authorize("", "subscriber"); }'
    await expect(startProxy(script)).rejects.toThrow('set db_url')
    await expect(startOn(await filledDatabase('sqlite', []), {})).rejects.toThrow('subscriber')
    const old = await filledDatabase('sqlite', [[{ ...SUBSCRIBER_TABLE, version: 6 }, USERS]])
    await expect(startOn(old, {})).rejects.toThrow('expected version 8')
    const { login } = await startOn(old, { params: { skip_version_check: 1 } })
    expect((await login()).status).toBe(200)
  })

  it.each(['a b', '$var(x)=rpid', '=x'])('load_credentials "%s" is an error', async text => {
    const database = await filledDatabase('text', [])
    await expect(startOn(database, { params: { load_credentials: text } })).rejects.toThrow('load_credentials')
  })
})
