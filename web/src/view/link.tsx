/** A link inside the page: a real address (it can be copied, opened in a tab), followed without loading. */
import type { ComponentChildren, VNode } from "preact";
import type { Address } from "../address/address.ts";
import { usePage } from "./page-context.ts";

interface LinkProps {
  readonly to: Partial<Address>;
  readonly class?: string;
  readonly label?: string;
  readonly current?: boolean;
  readonly title?: string;
  /** What the link opens, to find it again. */
  readonly row?: string;
  readonly children: ComponentChildren;
}

export function Link({ to, class: className, label, current, title, row, children }: LinkProps): VNode {
  const { navigation } = usePage();
  const follow = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigation.go(to);
  };
  return (
    <a
      href={navigation.href(to)}
      class={className}
      title={title}
      data-row={row}
      aria-label={label}
      aria-current={current === true ? "true" : undefined}
      onClick={follow}
    >
      {children}
    </a>
  );
}

/** What opens an area, a station, the feeds, or nothing. */
export const toArea = (area: string): Partial<Address> => ({ area, station: null, feeds: false });
export const toStation = (station: string): Partial<Address> => ({ station, area: null, feeds: false });
export const toFeeds: Partial<Address> = { area: null, station: null, feeds: true };
export const toAreas: Partial<Address> = { area: null, station: null, feeds: false };
