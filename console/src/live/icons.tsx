import type { ReactNode } from "react";

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const PauseIcon = () => (
  <Icon>
    <path d="M5.500 3.500v9M10.500 3.500v9" />
  </Icon>
);
export const PlayIcon = () => (
  <Icon>
    <path d="M5 3.200v9.600L12.500 8z" className="filled" />
  </Icon>
);
export const ClearIcon = () => (
  <Icon>
    <path d="M3 4.500h10M6.500 4.500V3h3v1.500M4.500 4.500l.6 8.500h5.800l.6-8.500" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon>
    <rect x="5.500" y="5.500" width="7.500" height="7.500" rx="1.500" />
    <path d="M3 10.500V4.500A1.500 1.500 0 0 1 4.500 3h6" />
  </Icon>
);
export const CheckIcon = () => (
  <Icon>
    <path d="M3 8.500l3.200 3.200L13 4.800" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="M4 4l8 8M12 4l-8 8" />
  </Icon>
);
export const SearchIcon = () => (
  <Icon>
    <circle cx="7" cy="7" r="4" />
    <path d="M10 10l3.500 3.500" />
  </Icon>
);
export const UpIcon = () => (
  <Icon>
    <path d="M8 12.500v-9M4 7.500l4-4 4 4" />
  </Icon>
);
export const DownIcon = () => (
  <Icon>
    <path d="M8 3.500v9M4 8.500l4 4 4-4" />
  </Icon>
);

export const BrandMark = () => (
  <svg className="brand-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect className="brand-ground" width="32" height="32" rx="7" />
    <path className="brand-line" d="M3 16h5M24 16h5" />
    <rect className="brand-sheath" x="7" y="11.500" width="7.500" height="9" rx="3.600" />
    <rect className="brand-sheath" x="16.500" y="11.500" width="7.500" height="9" rx="3.600" />
  </svg>
);
