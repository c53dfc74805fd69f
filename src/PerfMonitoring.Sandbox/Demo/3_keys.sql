-- After the data, as a restore does it: that is several times faster.
alter table orders add foreign key (customer_id) references customers (id);
alter table order_items add foreign key (order_id) references orders (id), add foreign key (product_id) references products (id);

-- What somebody thought of: an index that the unique key on sku makes superfluous, and one that nothing asks for.
create index products_sku_idx on products (sku);
create index customers_city_idx on customers (city);
