import { expect, onTestFinished } from 'vitest'
import { jsonRpc } from '../../src/events/json-rpc.ts'
import { credentialsFor } from '../support/digest-client.ts'
import { startProxy } from '../support/running-proxy.ts'
import { SipUa } from '../support/sip-ua.ts'
import { until } from '../support/until.ts'

/** A database on a server, with the tables of OpenSIPS in it and the user bob. */
export interface ServedDatabase {
  /** The module that serves it. */
  readonly module: string
  readonly url: string
  /** The event that tells whether the server is there. */
  readonly event: string
  /** Of each location the user, whether it was written in this minute, and whether it still holds. */
  locations(): Promise<unknown>
  /** Of each record of `acc` the method, the code, the reason, and whether it was written in this minute. */
  records(): Promise<unknown>
  /** Ends every connection but its own. */
  cut(): Promise<void>
}

const SCRIPT = (module: string, url: string) => `
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "${module}.so"
modparam("${module}", "exec_query_threshold", 60000)
loadmodule "usrloc.so"
modparam("usrloc", "working_mode_preset", "single-instance-sql-write-through")
modparam("usrloc|auth_db|acc", "db_url", "${url}")
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "auth_db.so"
modparam("auth_db", "calculate_ha1", 1)
modparam("auth_db", "password_column", "password")
loadmodule "acc.so"
loadmodule "sqlops.so"
modparam("sqlops", "db_url", "${url}")
route {
  if (is_method("REGISTER")) {
    if (!www_authorize("", "subscriber")) { www_challenge("", "auth"); exit; }
    save("location");
    exit;
  }
  if (!lookup("location")) {
    acc_db_request("404 Not Found", "acc");
    sql_query("select username from subscriber where username = '$(fU{s.escape.common})'", "$avp(found)");
    sl_send_reply(404, "no $avp(found)");
    exit;
  }
  t_relay();
}
`

/** A proxy serves a registrar, its users and its accounting from the database, and tells that it was lost and found again. */
export async function servesRegistrar({ module, url, event, locations, records, cut }: ServedDatabase): Promise<void> {
  const started = await startProxy(SCRIPT(module, url))
  onTestFinished(() => started.stop())
  const events: string[] = []
  started.proxy.host.bus.tail((raised, subscription) => {
    if (subscription === null) events.push(jsonRpc.encode(raised).toString())
  })
  const phone = await SipUa.open('bob')
  const register = (cseq: number, headers = '') =>
    phone.send(phone.makeRequest('REGISTER', { uri: 'sip:127.0.0.1', cseq, headers }), started.port)

  register(1)
  register(2, `Authorization: ${credentialsFor(await phone.nextReply(401))}\r\n`)
  await phone.nextReply(200)
  expect(await locations()).toEqual([['bob', 1, 1]])

  phone.request('MESSAGE', started.port, { uri: 'sip:nobody@127.0.0.1' })
  expect((await phone.nextReply(404)).reason).toBe('no bob')
  while (JSON.stringify(await records()) !== '[["MESSAGE","404","Not Found",1]]');

  await cut()
  phone.request('MESSAGE', started.port, { uri: 'sip:nobody@127.0.0.1' })
  await phone.nextReply(404)
  const told = (status: string): string => JSON.stringify({ jsonrpc: '2.0', method: event, params: { url, status } })
  await until(
    () =>
      events.includes(told('disconnected')) &&
      events.lastIndexOf(told('connected')) > events.indexOf(told('disconnected')),
  )
}
