import type { OwnerColumns, UriOwners } from './uri-owners.ts'

export type { OwnerColumns, UriOwners } from './uri-owners.ts'

/** Where somebody looks up whose a URI is. */
export interface OwnersSettings {
  /** Database; that of auth_db if absent. */
  readonly url: string | undefined
  readonly table: string
  readonly columns: OwnerColumns
  /** Users are told apart by domain. */
  readonly useDomain: boolean
}

/** What other modules may ask of tables of users and URIs. */
export interface AuthDbApi {
  /** A table of URIs, or of users. It is opened when it is first asked, or checked. */
  owners(settings: OwnersSettings): UriOwners
}
