#ifndef SILHOUETTE_CALLOCATOR_H
#define SILHOUETTE_CALLOCATOR_H

/// Tells the C library to keep freed memory instead of giving each large block back to the kernel: pictures and
/// tensors are allocated and freed with every request, and fresh pages cost more than the work on them.
/// Does nothing where the C library has no such settings.
void silhouette_allocator_keep_memory(void);

/// Gives memory that is kept but unused back to the kernel.
void silhouette_allocator_trim(void);

#endif
