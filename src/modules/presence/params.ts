import { optionalParam, param } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'

const ONE_NODE = 'Accepted; nodes of a cluster do not share this.'
const ANY_SIZE = 'Accepted; tables have the size that is needed.'

/** The module's parameters. */
export const presenceParams = {
  db_url: optionalParam(
    'str',
    'Database to keep state in; `db_default_url` if absent. Without both it is in memory only.',
  ),
  presentity_table: param('str', 'presentity', 'Table of what was published.'),
  active_watchers_table: param('str', 'active_watchers', 'Table of subscriptions.'),
  watchers_table: param('str', 'watchers', 'Table of who may watch whom.'),
  clean_period: param('int', 100, 'How often rows that have expired are deleted.', { unit: 's' }),
  db_update_period: param('int', 100, 'How often subscriptions that have changed are written.', { unit: 's' }),
  fallback2db: param(
    'int',
    0,
    '1: what is not known here is looked for in the database, where other proxies write too.',
  ),
  expires_offset: param('int', 0, 'Taken off the lifetime that the answer to a PUBLISH tells.', { unit: 's' }),
  max_expires_subscribe: param('int', 3600, 'Longest subscription.', { unit: 's' }),
  max_expires_publish: param('int', 3600, 'Longest lifetime of what is published.', { unit: 's' }),
  contact_user: optionalParam('str', 'User part of our Contact.'),
  server_address: optionalParam('str', 'The whole of our Contact, a URI; up to 2.x.'),
  subs_htable_size: param('int', 9, ANY_SIZE, { ignored: true }),
  pres_htable_size: param('int', 9, ANY_SIZE, { ignored: true }),
  notify_offline_body: param('int', 0, '1: where nothing was published, NOTIFY has a document that says so.'),
  end_sub_on_timeout: param('int', 1, '1: a subscription ends when a NOTIFY is not answered.'),
  waiting_subs_daysno: param('int', 3, 'How long rows of watchers nobody has decided on are kept.', { unit: 'd' }),
  enable_sphere_check: param('int', 0, '1: rules on the sphere of a presentity count.'),
  mix_dialog_presence: param('int', 0, 'Accepted; no module here tells presence of dialogs.', { ignored: true }),
  cluster_id: param('int', 0, ONE_NODE, { ignored: true }),
  cluster_federation_mode: optionalParam('str', ONE_NODE, { ignored: true }),
  cluster_pres_events: optionalParam('str', ONE_NODE, { ignored: true }),
  cluster_be_active_shtag: optionalParam('str', ONE_NODE, { ignored: true }),
} as const

export type PresenceParams = ParamValues<typeof presenceParams>
