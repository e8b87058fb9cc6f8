import { describe, expect, it, onTestFinished } from 'vitest'
import { SUBSCRIBER_TABLE, URI_TABLE } from '../../../src/modules/auth_db/tables.ts'
import { passwordHash } from '../../../src/sip/digest/response.ts'
import { challengesOf, credentialsFor } from '../../support/digest-client.ts'
import { filledDatabase } from '../../support/filled-database.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'

const REALM = '127.0.0.1'
const USERS = [{ username: 'bob', domain: REALM, ha1: passwordHash('MD5', 'bob', REALM, 'secret2') }]
const URIS = [{ username: 'bob', domain: REALM, uri_user: 'robert' }]

/** A proxy that answers an authorised request with what the functions of the module give. */
async function start(params = '') {
  const { url, loadmodule } = await filledDatabase('sqlite', [
    [SUBSCRIBER_TABLE, USERS],
    [URI_TABLE, URIS],
  ])
  const started = await startProxy(`loadmodule "sl.so"\n${loadmodule}loadmodule "uri.so"
    modparam("uri|auth_db", "db_url", "${url}")
    ${params}
    route {
      if (!has_totag() && !www_authorize("", "subscriber")) { www_challenge("", "0"); exit; }
      $var(to) = db_check_to();
      $var(from) = db_check_from();
      $var(uri) = db_does_uri_exist();
      $var(user) = is_user("bob");
      $var(id) = db_get_auth_id("$ru", "$avp(user)", "$avp(realm)");
      add_uri_param("x=y");
      $var(param) = uri_param("x", "y");
      sl_send_reply("200", "$var(to) $var(from) $var(uri) $var(user) $var(id) $avp(user)@$avp(realm) $var(param)");
    }`)
  onTestFinished(() => started.stop())
  const ua = await SipUa.open('bob')
  let cseq = 1
  return async (to: string, uri: string): Promise<string> => {
    const send = (headers = '') => {
      const text = ua.makeRequest('REGISTER', { uri, cseq: cseq++, headers })
      ua.send(text.replace(/^To: <[^>]*>/m, `To: <sip:${to}@127.0.0.1>`), started.port)
    }
    send()
    const challenge = await ua.nextReply(401)
    expect(challengesOf(challenge)).not.toEqual([])
    send(`Authorization: ${credentialsFor(challenge, { uri })}\r\n`)
    return (await ua.nextReply(200)).reason
  }
}

describe('the uri module of 2.x', () => {
  it('without a table of URIs, each user owns the URI of that name', async () => {
    const ask = await start()
    expect(await ask('bob', 'sip:bob@127.0.0.1')).toBe('1 1 1 1 1 bob@127.0.0.1 1')
    expect(await ask('robert', 'sip:robert@127.0.0.1')).toBe('-1 1 -1 1 -1 <null>@<null> 1')
  })

  it('with use_uri_table the table says whose they are', async () => {
    const ask = await start('modparam("uri", "use_uri_table", 1)')
    expect(await ask('robert', 'sip:robert@127.0.0.1')).toBe('1 -1 1 1 1 bob@127.0.0.1 1')
  })
})
