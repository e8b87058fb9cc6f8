import { parseSharingTag, type SharingTag, type SharingTags } from '../../cluster/sharing-tags.ts'
import type { Log } from '../../log/log.ts'
import type { PvarHandler, PvarSite } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import { stateOf } from './commands.ts'

const REASON = 'script variable'

/** `$cluster.sh_tag(name/cluster)`: reads and sets whether this node is active for a sharing tag. */
export function sharingTagVariable(tags: SharingTags, log: Log): (site: PvarSite) => PvarHandler {
  const complain = (reason: string): null => {
    log.error('this is no sharing tag', { reason })
    return null
  }
  return site => {
    const constant = site.inner?.constant
    const fixed = constant === undefined ? null : readOr(constant, message => site.reject(message))
    const find = (m: RouteContext): SharingTag | null => fixed ?? readOr(site.inner?.read(m) ?? '', complain)
    return {
      get: m => {
        const tag = find(m)
        return tag === null ? null : stateOf(tags.isActive(tag.name, tag.cluster))
      },
      set: (m, value) => {
        const tag = find(m)
        const isActive = wanted(value)
        if (isActive === null) log.error('a sharing tag is set to "active" or "backup", 1 or 0', { value })
        if (tag === null || isActive === null) return false
        if (isActive) tags.activate(tag.name, tag.cluster, REASON)
        else tags.yield(tag.name, tag.cluster, REASON)
        return true
      },
    }
  }
}

function readOr(text: string, otherwise: (message: string) => null): SharingTag | null {
  try {
    return parseSharingTag(text)
  } catch (error) {
    return otherwise(error instanceof Error ? error.message : String(error))
  }
}

function wanted(value: Value): boolean | null {
  const text = String(value).toLowerCase()
  if (text === 'active' || text === '1') return true
  return text === 'backup' || text === '0' ? false : null
}
