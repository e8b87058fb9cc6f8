import { EventBus } from '../events/bus.ts'
import type { Logger } from '../log/logger.ts'
import { ManagementInterface } from '../mi/management-interface.ts'
import { type MakeContext, ProxyEngine } from '../proxy/engine.ts'
import type { EngineOptions } from '../proxy/options.ts'
import type { ScriptAccess } from '../script/access.ts'
import type { Settings } from '../script/settings.ts'
import { DnsCache } from '../sip/net/dns-cache.ts'
import { SystemDns } from '../sip/net/dns-client.ts'
import { Network, type NetworkOptions } from '../sip/net/network.ts'
import { HopResolver } from '../sip/net/resolve.ts'
import { StatisticsRegistry } from '../stats/stats.ts'
import { StatusReports } from '../stats/status-report.ts'
import type { Clock } from '../util/clock.ts'
import type { Host, Instance } from './define.ts'

/** What an instance is put together from, beside its settings. */
export interface AssemblyParts {
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  readonly script: ScriptAccess
  readonly makeContext: MakeContext
  readonly instance: Instance
}

/** The running proxy's parts, with the engine and bus as those who run it see them. */
export interface AssembledHost extends Host {
  readonly proxy: ProxyEngine
}

/** Puts the parts of a proxy together. Opens nothing. */
export function assemble({ settings, clock, logger, script, makeContext, instance }: AssemblyParts): AssembledHost {
  const stats = new StatisticsRegistry()
  const network = new Network({ clock, log: logger.part('net'), stats, options: networkOptions(settings) })
  const resolver = new HopResolver(new DnsCache(new SystemDns(), clock), () => network.sockets, {
    tryNaptr: settings.dns_try_naptr !== 0,
    tryIpv6: settings.dns_try_ipv6 !== 0,
  })
  const proxy = new ProxyEngine({
    network,
    resolver,
    clock,
    log: logger.part('core'),
    stats,
    makeContext,
    options: engineOptions(settings, instance.version),
  })
  const bus = new EventBus({ clock, log: logger.part('evi'), era: settings.era })
  const mi = new ManagementInterface(logger.part('mi'), clock)
  return { instance, proxy, network, bus, mi, stats, status: new StatusReports(), logger, script, settings, clock }
}

function networkOptions(settings: Settings): Partial<NetworkOptions> {
  return {
    messageTimeMs: settings.tcp_max_msg_time * 1000,
    lifetimeMs: settings.tcp_connection_lifetime * 1000,
    connectTimeoutMs: settings.tcp_connect_timeout,
    maxConnections: settings.tcp_max_connections,
    backlog: settings.tcp_socket_backlog,
    keepAlive: settings.tcp_keepalive !== 0,
  }
}

function engineOptions(settings: Settings, version: string): Partial<EngineOptions> {
  const ownHeader = settings.server_header ?? `Server: ${version}`
  return {
    checkVia: settings.check_via !== 0,
    serverHeader: settings.server_signature === 0 ? null : ownHeader.replace(/[\r\n]+$/, ''),
    sipWarning: settings.sip_warning !== 0,
    advertisedHost: settings.advertised_address ?? null,
    advertisedPort: settings.advertised_port ?? null,
    forwardStrayReplies: (settings.disable_stateless_fwd ?? 0) === 0,
    mhomed: settings.mhomed !== 0,
    acceptAliases: settings.tcp_accept_aliases,
  }
}
