import bullmq from '../transports/bullmq/index.ts'
import datagram from '../transports/datagram/index.ts'
import eventRoute from '../transports/event-route/index.ts'
import flatstore from '../transports/flatstore/index.ts'
import http from '../transports/http/index.ts'
import kafka from '../transports/kafka/index.ts'
import nats from '../transports/nats/index.ts'
import rabbitmq from '../transports/rabbitmq/index.ts'
import stream from '../transports/stream/index.ts'
import jsonrpc from '../transports/stream/jsonrpc.ts'
import virtual from '../transports/virtual/index.ts'
import xmlrpc from '../transports/xmlrpc/index.ts'
import { VERSION } from './cli/version.ts'
import { type CheckResult, checkScript, type StartOptions, type StartResult, startScript } from './module/instance.ts'
import { type AnyModule, ModuleShelf } from './module/load-order.ts'
import type { Composition } from './module/load-script.ts'
import type { ScriptLocation } from './module/read-script.ts'
import { type AnyTransport, asModule } from './module/transport-module.ts'
import acc from './modules/acc/index.ts'
import aliasDb from './modules/alias_db/index.ts'
import auth from './modules/auth/index.ts'
import authDb from './modules/auth_db/index.ts'
import avpops from './modules/avpops/index.ts'
import benchmark from './modules/benchmark/index.ts'
import blacklists from './modules/blacklists/index.ts'
import cache from './modules/cache/index.ts'
import cachedbLocal from './modules/cachedb_local/index.ts'
import cachedbRedis from './modules/cachedb_redis/index.ts'
import cfgutils from './modules/cfgutils/index.ts'
import clusterer from './modules/clusterer/index.ts'
import core from './modules/core/index.ts'
import dbMysql from './modules/db_mysql/index.ts'
import dbPostgres from './modules/db_postgres/index.ts'
import dbSqlite from './modules/db_sqlite/index.ts'
import dbText from './modules/db_text/index.ts'
import dialog from './modules/dialog/index.ts'
import dialplan from './modules/dialplan/index.ts'
import dispatcher from './modules/dispatcher/index.ts'
import domain from './modules/domain/index.ts'
import drouting from './modules/drouting/index.ts'
import eventRouting from './modules/event_routing/index.ts'
import evi from './modules/evi/index.ts'
import exec from './modules/exec/index.ts'
import fraudDetection from './modules/fraud_detection/index.ts'
import freeswitch from './modules/freeswitch/index.ts'
import freeswitchScripting from './modules/freeswitch_scripting/index.ts'
import httpd from './modules/httpd/index.ts'
import json from './modules/json/index.ts'
import loadBalancer from './modules/load_balancer/index.ts'
import mathops from './modules/mathops/index.ts'
import maxfwd from './modules/maxfwd/index.ts'
import mem from './modules/mem/index.ts'
import miDatagram from './modules/mi_datagram/index.ts'
import miFifo from './modules/mi_fifo/index.ts'
import miHtml from './modules/mi_html/index.ts'
import miHttp from './modules/mi_http/index.ts'
import miJson from './modules/mi_json/index.ts'
import miScript from './modules/mi_script/index.ts'
import miXmlrpc from './modules/mi_xmlrpc/index.ts'
import miXmlrpcNg from './modules/mi_xmlrpc_ng/index.ts'
import mqueue from './modules/mqueue/index.ts'
import nathelper from './modules/nathelper/index.ts'
import options from './modules/options/index.ts'
import path from './modules/path/index.ts'
import permissions from './modules/permissions/index.ts'
import pike from './modules/pike/index.ts'
import presence from './modules/presence/index.ts'
import presenceXml from './modules/presence_xml/index.ts'
import prometheus from './modules/prometheus/index.ts'
import protoBin from './modules/proto_bin/index.ts'
import protoTcp from './modules/proto_tcp/index.ts'
import protoTls from './modules/proto_tls/index.ts'
import protoUdp from './modules/proto_udp/index.ts'
import protoWs from './modules/proto_ws/index.ts'
import protoWss from './modules/proto_wss/index.ts'
import ratelimit from './modules/ratelimit/index.ts'
import regex from './modules/regex/index.ts'
import registrar from './modules/registrar/index.ts'
import restClient from './modules/rest_client/index.ts'
import rr from './modules/rr/index.ts'
import rtpproxy from './modules/rtpproxy/index.ts'
import signaling from './modules/signaling/index.ts'
import sipmsgops from './modules/sipmsgops/index.ts'
import sl from './modules/sl/index.ts'
import sqlops from './modules/sqlops/index.ts'
import statistics from './modules/statistics/index.ts'
import statusReport from './modules/status_report/index.ts'
import tcp from './modules/tcp/index.ts'
import textops from './modules/textops/index.ts'
import tlsMgm from './modules/tls_mgm/index.ts'
import tm from './modules/tm/index.ts'
import topologyHiding from './modules/topology_hiding/index.ts'
import uac from './modules/uac/index.ts'
import uacAuth from './modules/uac_auth/index.ts'
import uacRegistrant from './modules/uac_registrant/index.ts'
import uri from './modules/uri/index.ts'
import usrloc from './modules/usrloc/index.ts'
import uuid from './modules/uuid/index.ts'
import xml from './modules/xml/index.ts'

export type { RunningProxy, StartOptions } from './module/instance.ts'

/** Loaded without `loadmodule`, in this order: the ids of the core's events follow from it. */
const builtIn: readonly AnyModule[] = [statistics, core, tcp, mem, cache, statusReport, evi, blacklists]

/** Every proxy module. */
export const modules: readonly AnyModule[] = [
  ...builtIn,
  acc,
  aliasDb,
  auth,
  authDb,
  avpops,
  benchmark,
  cachedbLocal,
  cachedbRedis,
  cfgutils,
  clusterer,
  dbMysql,
  dbPostgres,
  dbSqlite,
  dbText,
  dialog,
  dialplan,
  dispatcher,
  domain,
  drouting,
  eventRouting,
  exec,
  fraudDetection,
  freeswitch,
  freeswitchScripting,
  httpd,
  json,
  loadBalancer,
  mathops,
  maxfwd,
  miDatagram,
  miFifo,
  miHtml,
  miHttp,
  miJson,
  miXmlrpc,
  miXmlrpcNg,
  miScript,
  mqueue,
  nathelper,
  options,
  path,
  permissions,
  pike,
  prometheus,
  protoBin,
  presence,
  presenceXml,
  protoTcp,
  protoTls,
  protoUdp,
  protoWs,
  protoWss,
  ratelimit,
  regex,
  registrar,
  restClient,
  rr,
  rtpproxy,
  signaling,
  sipmsgops,
  sl,
  sqlops,
  textops,
  tlsMgm,
  tm,
  topologyHiding,
  uac,
  uacAuth,
  uacRegistrant,
  uri,
  usrloc,
  uuid,
  xml,
]

/** Every event transport. */
export const transports: readonly AnyTransport[] = [
  bullmq,
  datagram,
  eventRoute,
  flatstore,
  http,
  jsonrpc,
  kafka,
  nats,
  rabbitmq,
  stream,
  virtual,
  xmlrpc,
]

/** What configurations can load, of these modules and transports; the built-in modules are loaded in any case. */
export function compose(modules: readonly AnyModule[], transports: readonly AnyTransport[]): Composition {
  const shelf = new ModuleShelf([...modules, ...transports.map(transport => asModule(transport))])
  return {
    shelf,
    // event_route has been part of the core since 3.6: scripts need not load it.
    builtIn: [...builtIn, ...['event_route'].map(name => shelf.find(name)).filter(module => module !== undefined)],
    version: VERSION,
  }
}

const composition = compose(modules, transports)

/** Compiles a configuration and gives everything that is to be said about it. Opens nothing. */
export const checkFile = (location: ScriptLocation): Promise<CheckResult> => checkScript(location, composition)

/** Starts a proxy on a configuration file. Where that is not possible, nothing is left running. */
export function startFile(options: StartOptions): Promise<StartResult> {
  return startScript(options, composition)
}
