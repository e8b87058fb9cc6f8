import { arg, counter, defineModule, gauge, type Host, type ModuleContext, optional } from '../../module/define.ts'
import { addressFunctionHandlers, addressFunctions, tableReader } from './address-functions.ts'
import { flagReader } from './call-flags.ts'
import { Gruus } from './gruu.ts'
import { lookup } from './lookup.ts'
import { lookupFlagTable, toLookupFlags } from './lookup-flags.ts'
import { registrarParams } from './params.ts'
import type { PathMode } from './path.ts'
import { Push } from './push.ts'
import { pushSettings, refreshTime } from './push-settings.ts'
import type { Registrar } from './registrar.ts'
import { save } from './save.ts'
import { saveFlagTable, toSaveFlags } from './save-flags.ts'
import { saveFromReply } from './save-reply.ts'

const domain = arg('domain', 'str', 'Location table.')
const aor = optional(arg('aor', 'str', 'URI of the address of record.'))

const spec = {
  name: 'registrar',
  doc: 'Answers REGISTER requests and finds the contacts of a user.',
  depends: ['usrloc', 'signaling'],
  after: ['tm'],
  // Scripts written before signaling existed load sl and tm only.
  brings: ['signaling'],
  params: registrarParams,
  functions: {
    save: {
      args: [
        domain,
        optional(
          arg('flags', 'str', 'How to save: names divided by commas, `max-contacts=2,no-reply`, or letters, `c2r`.'),
        ),
        aor,
        optional(
          arg(
            'ownership_tag',
            'str',
            'Sharing tag of a cluster: the node active for it is responsible for the contacts.',
          ),
        ),
      ],
      routes: ['request', 'onreply'],
      returns: '1 stored (and answered); −1 stored but not answered; −2 refused (and answered)',
      doc: 'Stores the contacts of a REGISTER and answers it; in a reply route, stores what the registrar upstream granted.',
    },
    lookup: {
      args: [domain, optional(arg('flags', 'str', 'How to look: names divided by commas, or letters.')), aor],
      routes: ['request', 'onreply', 'failure'],
      returns:
        '1 found; 2 all were woken up and the request waits for them; −1 no contact; −2 no contact takes the method; −3 the address cannot be read',
      doc: 'Makes the contacts of a user the destination of the request.',
    },
    add_sock_hdr: {
      args: [arg('name', 'str', 'Name of the header.')],
      routes: ['request'],
      returns: '1',
      doc: 'Adds a header that names the socket the request arrived on.',
    },
    ...addressFunctions,
  },
  stats: {
    accepted_regs: counter('Registrations accepted.'),
    rejected_regs: counter('Registrations refused.'),
    max_expires: gauge('Value of the parameter max_expires.'),
    max_contacts: gauge('Value of the parameter max_contacts.'),
    default_expire: gauge('Value of the parameter default_expires.'),
  },
} as const

/** The registrar (RFC 3261 §10.3) and the location lookup of a proxy. */
export default defineModule(spec, context => {
  const { host, log, params, stats } = context
  stats.max_expires.read = () => params.max_expires
  stats.max_contacts.read = () => params.max_contacts
  stats.default_expire.read = () => params.default_expires
  const registrar = makeRegistrar(context)
  const tableOf = (name: Parameters<typeof tableReader>[1]) => tableReader(registrar, name)
  return {
    functions: {
      save: (name, flags, uri, tag) => {
        const domainOf = tableOf(name)
        const flagsOf = flagReader(
          flags,
          saveFlagTable,
          given => toSaveFlags(given, registrar.saveDefaults, registrar.location),
          log,
        )
        return m => {
          const chosen = flagsOf(m)
          if (chosen === null) return -1
          const fromVariable = registrar.variables.aor?.get(m)
          const aorUri = uri?.read(m) ?? (fromVariable == null ? undefined : String(fromVariable))
          const call = { domain: domainOf(m), flags: chosen, aorUri, shtag: tag?.read(m) ?? '' }
          return m.message.isRequest ? save(registrar, m, call) : saveFromReply(registrar, m, call)
        }
      },
      lookup: (name, flags, uri) => {
        const domainOf = tableOf(name)
        const flagsOf = flagReader(
          flags,
          lookupFlagTable,
          given => {
            const chosen = toLookupFlags(given)
            return typeof chosen !== 'string' && params.append_branches === 0 ? { ...chosen, noBranches: true } : chosen
          },
          log,
        )
        return m => {
          const chosen = flagsOf(m)
          return chosen === null
            ? -3
            : lookup(registrar, m, { domain: domainOf(m), flags: chosen, aorUri: uri?.read(m) })
        }
      },
      add_sock_hdr: name => m => {
        m.edits.insert(m.message.headersEnd, `${name.read(m)}: ${m.origin.socket.text}\r\n`)
        return 1
      },
      ...addressFunctionHandlers(registrar, flag => host.script.branchFlagBit(flag)),
    },
    stop: () => registrar.push?.stop(),
    start: () => {
      const variable = (text: string | undefined) => (text === undefined ? null : host.script.variable(text))
      registrar.variables.received = variable(params.received_avp)
      registrar.variables.attr = variable(params.attr_avp)
      registrar.variables.aor = variable(params.aor_avp)
      registrar.variables.modifiedContact = variable(params.mcontact_avp)
    },
  }
})

function makeRegistrar(context: ModuleContext<typeof spec>): Registrar {
  const { clock, given, host, log, params } = context
  const location = context.use('usrloc')
  const signaling = context.use('signaling')
  const isEra24 = host.settings.era === '2.4'
  return {
    clock,
    log,
    proxy: host.proxy,
    location,
    reply: (m, code, reason) => signaling.reply(m, code, reason),
    aor: {
      useDomain: location.useDomain,
      isCaseSensitive: params.case_sensitive !== 0,
      realmPrefix: params.realm_prefix,
      mostUserChars: params.max_username_len,
      mostDomainChars: params.max_domain_len,
      mostAorChars: params.max_aor_len,
    },
    saveDefaults: {
      path: params.use_path === 0 ? 'ignored' : (PATH_MODES[params.path_mode] ?? 'strict'),
      pathReceived: params.path_use_received !== 0,
      mostContacts: params.max_contacts,
      leastExpiresS: params.min_expires,
      mostExpiresS: params.max_expires,
    },
    defaultExpiresS: params.default_expires,
    defaultQ: params.default_q,
    mostContactChars: params.max_contact_len,
    deviationS: params.expires_max_deviation,
    retryAfterS: params.retry_after,
    acceptsSameCseq: given.has('allow_dup_cseq') ? params.allow_dup_cseq !== 0 : !isEra24,
    evictLast: params.evict_last !== 0,
    receivedParam: params.received_param,
    socketHeader: params.sock_hdr_name,
    variables: { received: null, attr: null, aor: null, modifiedContact: null },
    push: makePush(context),
    gruu: params.disable_gruu === 0 ? new Gruus(params.gruu_secret) : null,
    keepConnection: connectionKeeper(host, params.tcp_persistent_flag),
    counters: { accepted: context.stats.accepted_regs, rejected: context.stats.rejected_regs },
    random: Math.random,
  }
}

function makePush(context: ModuleContext<typeof spec>): Push | null {
  const { clock, find, log, params } = context
  const settings = pushSettings(params)
  if (settings === null) return null
  const tm = find('tm')
  const location = context.use('usrloc')
  if (tm === undefined) throw new Error('pn_enable: requests wait in transactions: is a loadmodule "tm.so" missing?')
  location.setRefreshRule(contact => refreshTime(contact, settings))
  return new Push({ settings, clock, log, location, tm })
}

/** A registration's connection stays open as long as the registration, and a little longer. */
const SPARE_S = 10

function connectionKeeper({ network, script }: Host, flag: string | undefined): Registrar['keepConnection'] {
  if (flag === undefined) return () => {}
  const mask = script.flagBit(flag)
  return (m, expiresS) => {
    if ((m.flags & mask) === 0) return
    network.connections.get(m.origin.connectionId)?.keepFor((expiresS + SPARE_S) * 1000)
  }
}

const PATH_MODES: Readonly<Record<number, PathMode>> = { 0: 'off', 1: 'lazy', 2: 'strict' }
