import type { ConnectionOptions } from 'node:tls'
import { MiError } from '../../mi/management-interface.ts'
import { defineModule } from '../../module/define.ts'
import { type LoadedDomain, loadDomain } from './domain.ts'
import { type DomainSettings, domainsOf } from './domain-settings.ts'
import { DomainTable } from './domains.ts'
import { listed } from './listing.ts'
import { tlsParams } from './params.ts'
import { tlsPvarHandlers, tlsPvars } from './pvars.ts'
import { domainsIn, TLS_TABLE } from './table.ts'

/** What other modules may ask of tls_mgm. */
export interface TlsMgmApi {
  /** What a TLS client needs to connect by a client domain; undefined when there is none of that name. */
  clientOptions(name: string): ConnectionOptions | undefined
}
declare module '../../module/define.ts' {
  interface ModuleApis {
    tls_mgm: TlsMgmApi
  }
}

/** TLS domains: with which certificate and rules TLS is spoken with whom. */
export default defineModule(
  {
    name: 'tls_mgm',
    doc: 'TLS domains: certificates and rules for the connections of proto_tls, proto_wss and of other modules.',
    tables: [TLS_TABLE],
    params: tlsParams,
    functions: {
      is_peer_verified: {
        args: [],
        routes: 'any',
        returns: '1 the message came over TLS from a peer with a valid certificate, −1 it did not',
        doc: 'Whether the peer has shown a certificate that was verified.',
      },
    },
    commands: {
      list: { args: [], doc: 'lists the TLS domains', aliases: ['tls_list'] },
      reload: {
        args: [],
        doc: 'reads the table of domains and all files anew; connections that stand are kept',
        aliases: ['tls_reload'],
      },
    },
    pvars: tlsPvars,
  },
  ({ host, params, log, clock }) => {
    const { network, proxy, db } = host
    const given = domainsOf(params)
    let domains = new DomainTable([])
    const tableRows = async (): Promise<readonly DomainSettings[]> => {
      if (params.db_url === undefined) return []
      const columns = Object.fromEntries(
        Object.keys(TLS_TABLE.columns).flatMap(name => {
          const called = Object.entries(params).find(([param]) => param === `${name}_col`)?.[1]
          return typeof called === 'string' ? [[name, called]] : []
        }),
      )
      return domainsIn(db, params.db_url, params.db_table, columns)
    }
    const load = async (): Promise<void> => {
      const settings = [...given, ...(await tableRows())]
      const loaded: LoadedDomain[] = []
      for (const one of settings)
        loaded.push(await loadDomain(one, { directory: db.directory, nowMs: clock.nowMs(), log }))
      domains = new DomainTable(loaded)
      network.protocols.tls.use(domains)
    }
    const { client_tls_domain_avp: domainAvp, client_sip_domain_avp: nameAvp } = params
    if (domainAvp !== undefined || nameAvp !== undefined)
      proxy.hooks.atHop((m, hop) => {
        const tlsDomain = domainAvp === undefined ? null : m.avps.get(avpName(domainAvp))
        const name = nameAvp === undefined ? null : m.avps.get(avpName(nameAvp))
        if (tlsDomain === null && name === null) return hop
        return {
          ...hop,
          ...(tlsDomain === null ? {} : { tlsDomain: String(tlsDomain) }),
          ...(name === null ? {} : { name: String(name) }),
        }
      })
    const tlsOf = (m: { readonly origin: { readonly connectionId: number } }) =>
      network.connections.get(m.origin.connectionId)?.tls ?? null
    const api: TlsMgmApi = {
      clientOptions: name => {
        const domain = domains.named(name)
        if (domain === undefined) return undefined
        const anyName = domain.checksName ? {} : { checkServerIdentity: () => undefined }
        return { ...domain.options, rejectUnauthorized: domain.verifies, ...anyName }
      },
    }
    return {
      api,
      functions: { is_peer_verified: () => m => (tlsOf(m)?.authorized === true ? 1 : -1) },
      commands: {
        list: () => ({ Domains: domains.all.map(({ settings }) => listed(settings)) }),
        reload: async () => {
          try {
            await load()
          } catch (error) {
            const why = error instanceof Error ? error.message : String(error)
            log.error('TLS domains not reloaded: those there were stay', { why })
            throw new MiError(500, why)
          }
          return 'OK'
        },
      },
      pvars: tlsPvarHandlers(tlsOf),
      start: load,
    }
  },
)

/** `$avp(x)`, or `x` as OpenSIPS writes it. */
const avpName = (text: string): string => /^\$avp\((.*)\)$/.exec(text)?.[1] ?? text
