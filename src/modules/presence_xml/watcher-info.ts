import type { ModuleApis } from '../../module/define.ts'
import { escapeXml } from './xml.ts'

type EventPackage = Parameters<ModuleApis['presence']['register']>[0]
type State = Parameters<EventPackage['compose']>[0]

/** Everybody who watches a presentity, complete each time (RFC 3858). */
export function watcherInfo(event: string, { uri, version, watchers }: State): string {
  const rows = watchers.map(
    watcher =>
      `<watcher id="${escapeXml(watcher.id)}" status="${watcher.status}" event="subscribe" ` +
      `expiration="${watcher.expiresS}">${escapeXml(watcher.uri)}</watcher>`,
  )
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\r\n' +
    `<watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="${version}" state="full">` +
    `<watcher-list resource="${escapeXml(uri)}" package="${escapeXml(event)}">${rows.join('')}</watcher-list>` +
    '</watcherinfo>\r\n'
  )
}
