/** The heading of a detail. It takes the focus when the detail opens, so that a screen reader says where one is. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

export function PanelHeading({
  name,
  over,
  children,
}: {
  name: string;
  over: string;
  children?: ComponentChildren;
}): VNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <header class="panel-head">
      <p class="over">{over}</p>
      <h2 id="panel-heading" tabIndex={-1} ref={heading}>
        {name}
      </h2>
      {children}
    </header>
  );
}
