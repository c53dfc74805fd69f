-- Keys are added after the data, as a restore does it, because that is several times faster.
alter table orders add foreign key (customer_id) references customers (id);
alter table order_items add foreign key (order_id) references orders (id), add foreign key (product_id) references products (id);

-- Indexes from guesswork: the unique key on sku makes one superfluous, and no statement uses the other.
create index products_sku_idx on products (sku);
create index customers_city_idx on customers (city);
