import { BinSockets } from '../cluster/bin-sockets.ts'
import { Databases } from '../db/databases.ts'
import { EventBus } from '../events/bus.ts'
import type { EventType } from '../events/catalogue.ts'
import type { DeadLetterLimits } from '../events/dead-letters.ts'
import type { DeliveryPolicy } from '../events/policy.ts'
import { EventSpool, type EventSpoolOptions } from '../events/spool/event-spool.ts'
import type { Log } from '../log/log.ts'
import type { Logger } from '../log/logger.ts'
import { ManagementInterface } from '../mi/management-interface.ts'
import { type MakeContext, ProxyEngine } from '../proxy/engine.ts'
import type { EngineOptions } from '../proxy/options.ts'
import type { ScriptAccess } from '../script/access.ts'
import type { Settings } from '../script/settings.ts'
import { DnsCache } from '../sip/net/dns-cache.ts'
import { type DnsClient, SystemDns } from '../sip/net/dns-client.ts'
import { Network, type NetworkOptions } from '../sip/net/network.ts'
import { HopResolver } from '../sip/net/resolve.ts'
import { StatisticsRegistry } from '../stats/stats.ts'
import { StatusReports } from '../stats/status-report.ts'
import type { Clock } from '../util/clock.ts'
import type { Host, Instance } from './define.ts'
import { watchSlowLookups } from './slow-lookups.ts'
import type { Surroundings } from './surroundings.ts'
import { raiseThreshold } from './threshold-event.ts'

/** What an instance is put together from, beside its settings. */
export interface AssemblyParts {
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  readonly script: ScriptAccess
  readonly makeContext: MakeContext
  readonly instance: Instance
  readonly surroundings: Surroundings
  /** Where relative paths of the configuration start. */
  readonly directory: string
}

/** The running proxy's parts, with the engine and bus as those who run it see them. */
export interface AssembledHost extends Host {
  readonly proxy: ProxyEngine
}

/** Puts the parts of a proxy together. Opens nothing. */
export function assemble({
  settings,
  clock,
  logger,
  script,
  makeContext,
  instance,
  surroundings,
  directory,
}: AssemblyParts): AssembledHost {
  const stats = new StatisticsRegistry()
  const { dns, makeNetwork = parts => new Network(parts) } = surroundings
  const network = makeNetwork({ clock, log: logger.part('net'), stats, options: networkOptions(settings) })
  const log = logger.part('evi')
  const spool = eventSpool(settings, { clock, log, instance, typeOf: name => typeNamed(bus, name) })
  const openStore = spool.folder === null ? undefined : spool.openStore
  const bus: EventBus = new EventBus({
    clock,
    log,
    era: settings.era,
    policy: deliveryPolicy(settings),
    deadLetters: deadLetterLimits(settings),
    openStore,
  })
  spool.keepFor(bus)
  const lookups = watchedDns(dns ?? systemDns(settings), settings, clock, bus, logger.part('core'))
  const resolver = new HopResolver(new DnsCache(lookups, clock), () => network.sockets, {
    tryNaptr: settings.dns_try_naptr !== 0,
    tryIpv6: settings.dns_try_ipv6 !== 0,
    firstOnly: settings.disable_dns_failover !== 0,
  })
  const proxy = new ProxyEngine({
    network,
    resolver,
    clock,
    log: logger.part('core'),
    stats,
    makeContext,
    options: engineOptions(settings, instance.version, script),
  })
  const mi = new ManagementInterface(logger.part('mi'), clock)
  const db = new Databases({
    log: logger.part('db'),
    directory,
    defaultUrl: settings.db_default_url,
    versionTable: settings.db_version_table,
  })
  return {
    instance,
    proxy,
    network,
    bus,
    spool,
    mi,
    stats,
    status: new StatusReports(clock),
    logger,
    script,
    settings,
    db,
    binSockets: new BinSockets(),
    clock,
  }
}

function systemDns({ dns_retr_time: waitS, dns_retr_no: tries }: Settings): DnsClient {
  return new SystemDns(waitS === undefined ? undefined : waitS * 1000, tries)
}

function watchedDns(
  dns: DnsClient,
  { exec_dns_threshold: thresholdUs }: Settings,
  clock: Clock,
  bus: EventBus,
  log: Log,
): DnsClient {
  if (thresholdUs <= 0) return dns
  return watchSlowLookups(dns, thresholdUs, clock, (name, tookUs) => {
    log.warn('a name lookup took long', { us: tookUs, limit: thresholdUs, name })
    raiseThreshold(bus, 'dns', tookUs, name)
  })
}

function deliveryPolicy(settings: Settings): Partial<DeliveryPolicy> {
  return {
    maxQueued: Math.max(1, settings.event_max_queued),
    maxAgeMs: Math.max(1, settings.event_max_age) * 1000,
  }
}

function deadLetterLimits(settings: Settings): Partial<DeadLetterLimits> {
  return {
    most: Math.max(0, settings.event_dead_letters),
    maxAgeMs: Math.max(1, settings.event_dead_letters_retain) * 1000,
  }
}

/** The type of a spooled event; one that no loaded module declares any more is delivered all the same. */
const typeNamed = (bus: EventBus, name: string): EventType =>
  bus.catalogue.find(name) ?? bus.catalogue.define(name, null, 'spool')

const MIB = 2 ** 20

function eventSpool(
  settings: Settings,
  { instance, ...parts }: Pick<EventSpoolOptions, 'clock' | 'log' | 'typeOf'> & Pick<AssemblyParts, 'instance'>,
): EventSpool {
  return new EventSpool({
    ...parts,
    folder: instance.stateFolder(settings.event_spool, 'spool'),
    isNamed: settings.event_spool !== undefined,
    limits: {
      mostBytes: Math.max(1, settings.event_spool_size) * MIB,
      retainMs: settings.event_spool_retain * 1000,
      retainBytes: settings.event_spool_retain_size * MIB,
    },
  })
}

function networkOptions(settings: Settings): Partial<NetworkOptions> {
  return {
    messageTimeMs: settings.tcp_max_msg_time * 1000,
    lifetimeMs: settings.tcp_connection_lifetime * 1000,
    connectTimeoutMs: settings.tcp_connect_timeout,
    maxConnections: settings.tcp_max_connections,
    backlog: settings.tcp_socket_backlog,
    keepAlive: settings.tcp_keepalive !== 0,
    keepIdleMs: inMs(settings.tcp_keepidle),
    keepIntervalMs: inMs(settings.tcp_keepinterval),
    keepCount: settings.tcp_keepcount ?? null,
    tos: settings.tos,
    receiveBufferBytes: settings.maxbuffer,
  }
}

const inMs = (seconds: number | undefined): number | null => (seconds === undefined ? null : seconds * 1000)

function engineOptions(settings: Settings, version: string, script: ScriptAccess): Partial<EngineOptions> {
  const { tcp_no_new_conn_bflag: branchFlag, tcp_no_new_conn_rplflag: replyFlag } = settings
  const ownHeader = settings.server_header ?? `Server: ${version}`
  return {
    checkVia: settings.check_via !== 0,
    serverHeader: settings.server_signature === 0 ? null : ownHeader.replace(/[\r\n]+$/, ''),
    sipWarning: settings.sip_warning !== 0,
    advertisedHost: settings.advertised_address ?? null,
    advertisedPort: settings.advertised_port ?? null,
    forwardStrayReplies: (settings.disable_stateless_fwd ?? 0) === 0,
    mhomed: settings.mhomed !== 0,
    guardsLoops: settings.loop_guard !== 0,
    acceptAliases: settings.tcp_accept_aliases,
    noNewConnectionBranchFlag: branchFlag === undefined ? 0 : script.branchFlagBit(branchFlag),
    noNewConnectionReplyFlag: replyFlag === undefined ? 0 : script.flagBit(replyFlag),
  }
}
