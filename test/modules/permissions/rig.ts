import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'

const COLUMNS =
  'id(int,auto) grp(int) ip(string) mask(int) port(int) proto(string) pattern(string,null) context_info(string,null)\n'

/** Rows of an address table, columns from `id` on. */
export const addressTable = (...rows: readonly string[]): string => `${COLUMNS}${rows.map(row => `${row}\n`).join('')}`

/** A proxy with the module, a folder of files beside it, and the code its script gives. */
export interface Guard {
  readonly port: number
  readonly log: readonly string[]
  readonly folder: string
  write(name: string, text: string): void
  mi(command: string, params?: Readonly<Record<string, unknown>>): Promise<unknown>
  /** The phrase of the reply to a request from this loopback address. */
  answer(from?: string, headers?: string, change?: (request: string) => string): Promise<string>
}

/** Starts a main route that evaluates a call, and answers with its code and `$avp(ctx)`. */
export async function startGuard(
  call: string,
  files: Readonly<Record<string, string>> = {},
  params = '',
): Promise<Guard> {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-permissions-'))
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  for (const [name, text] of Object.entries({
    version: 'table_name(string) table_version(int)\naddress:5\n',
    ...files,
  }))
    write(name, text)
  const started = await startProxy(
    `loadmodule "sl.so"\nloadmodule "db_text.so"\nloadmodule "permissions.so"\n${params}
    route { $avp(ctx) = "before"; ${call}; $var(code) = $rc; sl_send_reply(299, "$var(code) $avp(ctx)"); }`.replaceAll(
      '@FILES@',
      folder,
    ),
  )
  onTestFinished(async () => {
    await started.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    port: started.port,
    log: started.log,
    folder,
    write,
    mi: (command, given) => started.proxy.host.mi.call(command, given),
    answer: async (from = '127.0.0.1', headers = '', change = text => text) => {
      const ua = await SipUa.open('alice', 'udp', from)
      const text = ua.makeRequest('MESSAGE', { headers }).replaceAll('127.0.0.1:', `${from}:`)
      ua.send(change(text), started.port)
      return (await ua.nextReply(299)).reason
    },
  }
}

/** Sets the database to the folder of the files. */
export const DATABASE = 'modparam("permissions", "db_url", "text://@FILES@")\n'
